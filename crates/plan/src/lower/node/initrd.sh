# The initramfs as the kernel unpacks it; a change of the root does not compress it again.
#   /deps/initrd.cpio -> /out/initrd.zst
zstd -q -10 --no-check -T1 -o /out/initrd.zst /deps/initrd.cpio
