# The hash tree of a root image, and its root hash. Salt and UUID come from the image's content.
#   /deps/squashfs/root.squashfs -> /out/root.verity, /out/roothash
image=/deps/squashfs/root.squashfs
size=$(stat -c %s $image)
if [ $((size % 4096)) -ne 0 ]; then
    echo "error: $image has $size bytes, which is no multiple of 4096" >&2
    exit 1
fi
digest=$(sha256sum $image | cut -c1-64)
u=$(printf 'groundup verity uuid %s\n' "$digest" | sha256sum | cut -c1-32)
uuid=$(echo "$u" | sed 's/\(........\)\(....\)\(....\)\(....\)\(............\)/\1-\2-\3-\4-\5/')
veritysetup format --hash=sha256 --data-block-size=4096 --hash-block-size=4096 \
    --salt="$digest" --uuid="$uuid" --root-hash-file=/out/roothash $image /out/root.verity
# The file has no newline of its own.
roothash=$(cat /out/roothash)
[ ${#roothash} -eq 64 ] || { echo "error: veritysetup wrote the root hash '$roothash'" >&2; exit 1; }
veritysetup verify $image /out/root.verity "$roothash"
chmod 0644 /out/root.verity /out/roothash # 0600 as veritysetup leaves them
