# Appends to each module of a kernel the signature that was made of it, and checks it first as the
# kernel will. The form is that of scripts/sign-file.c and include/linux/module_signature.h.
#   /deps/unsigned          usr/lib/modules/RELEASE, SHA256SUMS
#   /deps/signatures        SHA256.p7s: the digest of the module before it is signed
#   /deps/trusted/certificate.pem   what the kernel trusts
#   /deps/config/config     the kernel's configuration
#   /out                    usr/lib/modules/RELEASE
# The words after the script: the kernel, and its `signatures` and `certificate` in the repository.
kernel=$1 signatures=$2 certificate=$3
sums=/deps/unsigned/SHA256SUMS

# What is not there, and what is too much.
while read -r digest module; do
    [ -f "/deps/signatures/$digest.p7s" ] || echo "$module has no signature $signatures/$digest.p7s"
done < $sums > missing
for file in /deps/signatures/*.p7s; do
    [ -f "$file" ] || continue
    name=${file##*/}
    grep -q "^${name%.p7s} " $sums || echo "$signatures/$name is of no module of $kernel"
done > extra
# At most this many lines each, so that the end of the log has all that matters.
few() { head -n 5 "$1" | sed 's/^/error: /'; [ "$(wc -l < "$1")" -le 5 ] || echo "error: and $(($(wc -l < "$1") - 5)) more"; }
if [ -s missing ] || [ -s extra ]; then
    {
        few extra
        [ ! -s extra ] || echo "remove what is left over: it was made of modules that have changed since"
        few missing
        if [ -s missing ]; then
            echo "sign the modules outside of groundup, with the key of $certificate as KEY:"
            echo "  groundup build $kernel:unsigned && mkdir -p $signatures"
            echo "  (cd out/$kernel-unsigned && while read -r sum module; do openssl cms -sign -binary" \
                "-outform DER -noattr -nocerts -nosmimecap -md sha256 -signer \"\$OLDPWD/$certificate\"" \
                "-inkey KEY -in \"\$module\" -out \"\$OLDPWD/$signatures/\$sum.p7s\"; done < SHA256SUMS)"
        fi
    } >&2
    exit 1
fi

wrong() {
    echo "error: $signatures/$digest.p7s, of $module: $1" >&2
    : > bad
}
built_in() { grep -q "^CONFIG_$1=y$" /deps/config/config; }
# Four bytes, the first of the most weight.
be32() { printf "\\$(printf %o $(($1 >> 24 & 255)))\\$(printf %o $(($1 >> 16 & 255)))\\$(printf %o $(($1 >> 8 & 255)))\\$(printf %o $(($1 & 255)))"; }
cp -a /deps/unsigned/usr /out/usr
while read -r digest module; do
    signature=/deps/signatures/$digest.p7s
    if ! openssl cms -cmsout -print -noout -inform DER -in "$signature" > form 2> said; then
        wrong "it is no CMS signature in DER"
        continue
    fi
    if ! grep -q 'eContent: <ABSENT>' form; then
        wrong "it holds the module itself; make it detached (openssl: without -nodetach)"
        continue
    fi
    # The kernel refuses them: crypto/asymmetric_keys/pkcs7_verify.c.
    if grep -A 1 '^ *signedAttrs:$' form | grep -v -e 'signedAttrs:$' -e '<ABSENT>' -e '^--$' > attributes; then
        wrong "it has signed attributes, which the kernel refuses (openssl: -noattr)"
        continue
    fi
    hash=$(sed -n '/digestAlgorithms:/,/contentType/s/^ *algorithm: \([^ ]*\).*/\1/p' form | head -n 1)
    case $hash in
    sha256) needs=CRYPTO_SHA256 ;;
    sha384 | sha512) needs=CRYPTO_SHA512 ;;
    *) wrong "its hash is ${hash:-unknown}; take sha256 (openssl: -md sha256)"; continue ;;
    esac
    if ! built_in $needs; then
        wrong "its hash is $hash, for which the kernel has not set CONFIG_$needs=y"
        continue
    fi
    if ! openssl cms -verify -binary -inform DER -in "$signature" -content "/deps/unsigned/$module" \
        -certfile /deps/trusted/certificate.pem -nointern -noverify -out /dev/null 2> said; then
        # CMS errors as `error:…:CMS routines:function:reason:file:line:`.
        reason=$(sed -n 's/^.*:CMS routines:[^:]*:\([^:]*\):.*/\1/p' said | head -n 1)
        wrong "it does not hold by $certificate: ${reason:-$(head -n 1 said)}"
        continue
    fi
    # A pkcs7 in DER: algorithm 0, hash 0, PKEY_ID_PKCS7, no signer, no key id, padding, length.
    {
        cat "$signature"
        printf '\000\000\002\000\000\000\000\000'
        be32 "$(stat -c %s "$signature")"
        printf '~Module signature appended~\n'
    } >> "/out/$module"
done < $sums
if [ -f bad ]; then
    echo "sign them anew; \`groundup build $kernel:unsigned\` gives the modules" >&2
    exit 1
fi
echo "$(wc -l < $sums) modules signed"
