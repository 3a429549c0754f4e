#!/bin/busybox sh
# First program of the initramfs: finds the root by the root hash in the kernel's command line, opens
# it with dm-verity and hands over to /sbin/init of the root. Any failure ends the machine.
export PATH=/bin:/sbin
busybox mkdir -p /proc /sys /dev /run
busybox mount -t proc -o nosuid,nodev,noexec proc /proc
busybox mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
busybox mount -t devtmpfs -o mode=0755,nosuid devtmpfs /dev 2>/dev/null
busybox mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run
busybox --install -s /bin
exec </dev/console >/dev/console 2>&1

say() { echo "groundup: $*"; }
stop() {
    say "error: $*"
    say "the machine stops here"
    sync
    poweroff -f || reboot -f
    sleep 5
    exit 1 # the kernel panics, which ends a machine with panic=-1
}
value() { # value NAME: what the command line gives for it
    for word in $(cat /proc/cmdline); do
        case $word in "$1="*) echo "${word#*=}"; return ;; esac
    done
}
find_partition() { # find_partition UUID NAME: by identifier (Linux 6.9 and later) or by name
    for u in /sys/class/block/*/uevent; do
        if grep -q -i -x -e "PARTUUID=$1" -e "PARTNAME=$2" "$u"; then
            dev=${u%/uevent}
            echo "/dev/${dev##*/}"
            return
        fi
    done
}

if [ -f /lib/groundup/modules ]; then
    while read -r module; do
        insmod "/lib/groundup/$module" || say "module $module does not load"
    done < /lib/groundup/modules
fi

roothash=$(value roothash)
case $roothash in *[!0-9a-f]*) stop "roothash=$roothash is no SHA-256" ;; esac
[ ${#roothash} -eq 64 ] || stop "roothash= in the command line has ${#roothash} hexadecimal digits, not 64"
short=$(echo "$roothash" | cut -c1-16)
uuid() { echo "$1" | sed 's/\(........\)\(....\)\(....\)\(....\)\(............\)/\1-\2-\3-\4-\5/'; }
root_uuid=$(uuid "$(echo "$roothash" | cut -c1-32)")
verity_uuid=$(uuid "$(echo "$roothash" | cut -c33-64)")

limit=$(value groundup.wait)
limit=$((${limit:-30} * 10))
n=0
while :; do
    data=$(find_partition "$root_uuid" "root-$short")
    hash=$(find_partition "$verity_uuid" "verity-$short")
    [ -n "$data" ] && [ -n "$hash" ] && break
    n=$((n + 1))
    if [ $n -gt $limit ]; then
        say "block devices: $(ls /sys/class/block | tr '\n' ' ')"
        stop "no partitions root-$short and verity-$short after $((limit / 10)) s (root: ${data:-none}, hash tree: ${hash:-none})"
    fi
    usleep 100000
done

on_corruption=
[ "$(value groundup.verity)" = panic ] && on_corruption=--panic-on-corruption
DM_DISABLE_UDEV=1 veritysetup open $on_corruption "$data" root "$hash" "$roothash" ||
    stop "veritysetup does not open $data with the hash tree $hash and root hash $roothash"
dd if=/dev/mapper/root of=/dev/null bs=4096 count=1 2>/dev/null ||
    stop "the root on $data is not what the root hash $roothash names: dm-verity refuses its first block"
mount -t squashfs -o ro,nodev /dev/mapper/root /newroot ||
    stop "$data holds no squashfs that this kernel mounts, or dm-verity refused a block of it"

# The root stays read-only. What programs write to is memory, beginning with the root's own /var.
for d in run tmp var proc sys dev; do
    [ -d /newroot/$d ] || stop "the root has no directory /$d"
done
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /newroot/tmp
mkdir /run/var
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run/var
cp -a /newroot/var/. /run/var/ || stop "/var of the root cannot be copied to memory"
mount --move /run/var /newroot/var
rmdir /run/var

# Read the program that comes next: a damaged block of it is a message here, and a panic later.
init=/sbin/init
for hop in 1 2 3 4 5; do
    next=$(readlink "/newroot$init") || break
    case $next in /*) init=$next ;; *) init=${init%/*}/$next ;; esac
done
[ -f "/newroot$init" ] || stop "the root has no /sbin/init (looked at $init)"
cat "/newroot$init" >/dev/null || stop "$init of the root cannot be read: dm-verity refused a block of it"
for d in dev proc sys run; do
    mount --move /$d /newroot/$d
done
exec switch_root /newroot /sbin/init
