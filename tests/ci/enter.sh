# Makes a root file system a machine, and runs a command there: it has processes, mounts and devices
# of its own. Started in new mount and pid namespaces, with what is allowed to mount there.
#     ROOT HOME SERVICE SETTING COMMAND…
set -eu
root=$1 home=$2 service=$3 setting=$4
shift 4
mount --bind "$root" "$root"
mount --bind "$home" "$root/home/runner"
mount --bind "$service" "$root/run/service"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    : > "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir -m 1777 "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
if [ "$setting" = no-namespaces ]; then
    echo 0 > /proc/sys/user/max_user_namespaces
fi
cd "$root"
pivot_root . mnt
umount -l /mnt
cd /home/runner
exec "$@"
