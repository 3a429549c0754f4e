# A disk with three partitions: ESP, root, hash tree. Identifiers come from the content.
#   /deps/uki/uki.efi, /deps/squashfs/root.squashfs, /deps/verity/{root.verity,roothash}, $DISK_SIZE
#   -> /out/disk.raw
export SOURCE_DATE_EPOCH MTOOLS_SKIP_CHECK=1
: "${SOURCE_DATE_EPOCH:?}"
MIB=1048576
uki=/deps/uki/uki.efi
root=/deps/squashfs/root.squashfs
verity=/deps/verity/root.verity
roothash=$(cat /deps/verity/roothash)
size() { stat -c %s "$1"; }
mib() { echo $((($1 + MIB - 1) / MIB)); }
uuid() { echo "$1" | sed 's/^\(........\)\(....\)\(....\)\(....\)\(............\).*/\1-\2-\3-\4-\5/'; }
seed=$(printf 'groundup disk %s %s\n' "$(sha256sum $uki | cut -c1-64)" "$roothash" | sha256sum | cut -c1-64)

# FAT32 needs 65525 clusters; of 512 bytes they take 33 MiB. The two tables take 8 bytes of each 512.
esp_mib=$(mib $(($(size $uki) / 63 * 64 + 2 * MIB)))
[ "$esp_mib" -ge 36 ] || esp_mib=36
root_mib=$(mib "$(size $root)")
verity_mib=$(mib "$(size $verity)")
# 1 MiB in front, 1 MiB behind for the second table.
need=$(((1 + esp_mib + root_mib + verity_mib + 1) * MIB))
total=${DISK_SIZE:-$need}
if [ "$total" -lt $need ]; then
    echo "error: a disk of $total bytes is too small by $((need - total)) bytes: ESP $((esp_mib * MIB)), root $((root_mib * MIB)), hash tree $((verity_mib * MIB)), partition tables $((2 * MIB)): $need in all" >&2
    exit 1
fi
if [ $((total % MIB)) -ne 0 ]; then
    echo "error: a disk of $total bytes is no multiple of 1 MiB; the next is $(($(mib "$total") * MIB))" >&2
    exit 1
fi

truncate -s "${esp_mib}M" /build/esp
mkfs.vfat --invariant -F 32 -s 1 -i "$(echo "$seed" | cut -c57-64)" -n ESP /build/esp > /dev/null
mmd -i /build/esp ::EFI ::EFI/BOOT
touch -d "@$SOURCE_DATE_EPOCH" /build/stamp
cp $uki /build/BOOTX64.EFI
touch -d "@$SOURCE_DATE_EPOCH" /build/BOOTX64.EFI
mcopy -m -i /build/esp /build/BOOTX64.EFI ::EFI/BOOT/BOOTX64.EFI

# Type identifiers of the Discoverable Partitions Specification; as it says, the root hash's halves
# are the identifiers of the root partition and of its hash tree.
truncate -s "$total" /out/disk.raw
esp_at=1
root_at=$((esp_at + esp_mib))
verity_at=$((root_at + root_mib))
short=$(echo "$roothash" | cut -c1-16)
sfdisk --quiet --no-reread --no-tell-kernel /out/disk.raw <<EOF
label: gpt
label-id: $(uuid "$seed")
unit: sectors
first-lba: 2048
start=$((esp_at * 2048)), size=$((esp_mib * 2048)), type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$(uuid "$(echo "$seed" | cut -c25-56)"), name="esp"
start=$((root_at * 2048)), size=$((root_mib * 2048)), type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=$(uuid "$(echo "$roothash" | cut -c1-32)"), name="root-$short", attrs="GUID:60"
start=$((verity_at * 2048)), size=$((verity_mib * 2048)), type=2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5, uuid=$(uuid "$(echo "$roothash" | cut -c33-64)"), name="verity-$short", attrs="GUID:60"
EOF
put() { dd if="$1" of=/out/disk.raw bs=1M seek="$2" conv=notrunc,sparse status=none; }
put /build/esp $esp_at
put $root $root_at
put $verity $verity_at
sfdisk --verify /out/disk.raw
sfdisk --dump /out/disk.raw
