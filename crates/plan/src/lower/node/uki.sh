# One EFI program of stub, command line, kernel and initramfs.
#   /deps/kernel/vmlinuz, /deps/initrd/initrd.zst, /deps/verity/roothash, $CMDLINE
#   -> /out/uki.efi, /out/cmdline
: "${SOURCE_DATE_EPOCH:?}"
stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
cmdline="$CMDLINE roothash=$(cat /deps/verity/roothash)"
# The kernel's COMMAND_LINE_SIZE on x86 counts the closing NUL.
if [ ${#cmdline} -gt 2047 ]; then
    echo "error: the command line has ${#cmdline} bytes, $((${#cmdline} - 2047)) more than the kernel takes" >&2
    exit 1
fi
printf '%s' "$cmdline" > /out/cmdline
printf '%s' "$cmdline" > /build/cmdline
printf 'ID=groundup\nNAME=groundup\nVERSION_ID=%s\n' "$(cut -c1-16 /deps/verity/roothash)" > /build/osrel

# Sections go behind the last one of the stub, each on a page of its own.
align() { echo $((($1 + 4095) / 4096 * 4096)); }
end=0
objdump -h "$stub" | sed -n 's/^ *[0-9][0-9]* \.[^ ]* *\([0-9a-f]*\) *\([0-9a-f]*\) .*/\1 \2/p' > /build/sections
while read -r size vma; do
    last=$((0x$size + 0x$vma))
    [ "$last" -le "$end" ] || end=$last
done < /build/sections
set --
next=$(align "$end")
for s in osrel:/build/osrel cmdline:/build/cmdline linux:/deps/kernel/vmlinuz initrd:/deps/initrd/initrd.zst; do
    file=${s#*:}
    set -- "$@" --add-section ".${s%%:*}=$file" \
        --set-section-flags ".${s%%:*}=data,readonly" \
        --change-section-vma ".${s%%:*}=$(printf '0x%x' "$next")"
    next=$(align $((next + $(stat -c %s "$file"))))
done
objcopy "$@" "$stub" /out/uki.efi

# objcopy writes the time of day. Both fields are at fixed places behind the PE signature.
le32() { # value -> four bytes
    printf "\\$(printf %o $(($1 & 255)))\\$(printf %o $(($1 >> 8 & 255)))\\$(printf %o $(($1 >> 16 & 255)))\\$(printf %o $(($1 >> 24 & 255)))"
}
pe=$(od -An -tu4 -j60 -N4 /out/uki.efi | tr -d ' ')
le32 "$SOURCE_DATE_EPOCH" | dd of=/out/uki.efi bs=1 seek=$((pe + 8)) conv=notrunc status=none
le32 0 | dd of=/out/uki.efi bs=1 seek=$((pe + 88)) conv=notrunc status=none
objdump -h /out/uki.efi
