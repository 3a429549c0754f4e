# Before a kernel that trusts a certificate is built. Kbuild embeds it by a program of its own, which
# is linked with libcrypto; without it, make would fail late and say nothing of packages.
#   /deps/trusted/certificate.pem   the certificate, in PEM
if [ ! -f /usr/include/openssl/cms.h ] || ! command -v openssl > /dev/null; then
    echo "error: the toolchain of a kernel with \`signing\` needs the packages openssl and libssl-dev" >&2
    exit 1
fi
if ! openssl x509 -in /deps/trusted/certificate.pem -noout 2> x509.said; then
    echo "error: the \`certificate\` of \`signing\` cannot be read: $(head -n 1 x509.said)" >&2
    exit 1
fi
