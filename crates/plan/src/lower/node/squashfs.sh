# A root file system, given as one tar stream, as a squashfs image.
#   /deps/root.tar -> /out/root.squashfs
# tar2sqfs takes owners, modes, devices, hard links, xattrs and times, also those of the entry "./",
# from the stream, and the superblock's time from SOURCE_DATE_EPOCH. (mksquashfs 4.5.1 ignores "./" and
# gives the root directory to the user that runs it.)
: "${SOURCE_DATE_EPOCH:?}"
tar2sqfs --quiet --no-skip --num-jobs "$GROUNDUP_JOBS" \
    --compressor zstd --comp-extra "level=3" --block-size 131072 \
    --defaults "uid=0,gid=0,mode=0755,mtime=$SOURCE_DATE_EPOCH" \
    /out/root.squashfs < /deps/root.tar
unsquashfs -s /out/root.squashfs
