# The modules of a kernel as whoever signs them gets them.
#   /deps/modules   usr/lib/modules/RELEASE
#   /out            the same, and SHA256SUMS
cp -a /deps/modules/usr /out/usr
cd /out
packed=$(find usr -name '*.ko.*' | head -n 1)
if [ -n "$packed" ]; then
    echo "error: $packed is compressed, and a signature is of the module itself;" \
        "set CONFIG_MODULE_COMPRESS_NONE=y" >&2
    exit 1
fi
find usr -name '*.ko' | LC_ALL=C sort > /build/modules
: > SHA256SUMS
while read -r module; do sha256sum "$module"; done < /build/modules >> SHA256SUMS
