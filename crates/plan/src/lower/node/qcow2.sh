# The raw disk as qcow2. One coroutine and in order: the clusters stand where the raw disk has them.
#   /deps/disk/disk.raw -> /out/disk.qcow2
qemu-img convert -f raw -O qcow2 -m 1 -o compat=1.1,cluster_size=65536,lazy_refcounts=off,preallocation=off \
    /deps/disk/disk.raw /out/disk.qcow2
qemu-img check /out/disk.qcow2
qemu-img compare -f raw -F qcow2 /deps/disk/disk.raw /out/disk.qcow2
