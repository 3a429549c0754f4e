# Runs the maintainer scripts of the packages that are unpacked here, in batches that stand in
# /var/lib/groundup; where one fails, /out/failed says which.
set -u
umask 022
cd /
here=/var/lib/groundup
info=/var/lib/dpkg/info
export DPKG_ROOT='' DPKG_FORCE=unsafe-io,confold,confdef

failed() {
    printf '%s\n' "$1" > /out/failed
    printf 'groundup: %s\n' "$1" >&2
    exit 1
}

# The one `preinst` call of a first installation (Debian Policy 6.5), as dpkg makes it.
preinst() {
    [ -e "$info/$1.preinst" ] || return 0
    # Where dpkg has the control archive meanwhile, and debconf looks for it.
    new=/var/lib/dpkg/tmp.ci
    mkdir "$new"
    for file in "$info/$1".*; do
        cp -p "$file" "$new/${file##*.}"
    done
    dpkg-query -s "$4" | grep -v '^Status:' > "$new/control"
    DPKG_MAINTSCRIPT_PACKAGE="$2" DPKG_MAINTSCRIPT_ARCH="$3" DPKG_MAINTSCRIPT_NAME=preinst \
        DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 DPKG_ADMINDIR=/var/lib/dpkg \
        "$new/preinst" install < /dev/null
    code=$?
    rm -r "$new"
    [ "$code" = 0 ] || failed "the preinst of $2 exited with code $code"
}

# Says which package and script was the first that dpkg complained of.
complained() {
    text=$(sed -n 's/^status: \([^ ]*\) *: error *: \(.*\)$/\1: \2/p' /out/status | head -n 1)
    case $text in
    *"subprocess returned error exit status"*)
        script=$(printf '%s' "$text" | sed -n 's/.*package \(.*\) script subprocess.*/\1/p')
        case $script in
        post-installation) script=postinst ;;
        esac
        failed "the $script of ${text%%:*} exited with code ${text##* }" ;;
    ?*) failed "dpkg cannot configure $text" ;;
    *) failed "dpkg exited with code $1; its last words are above" ;;
    esac
}

configure() {
    dpkg --abort-after=1 --status-fd 3 "$@" 3>> /out/status < /dev/null
    code=$?
    [ "$code" = 0 ] || complained "$code"
}

# Accounts that the recipe fixes, before scripts choose numbers for them.
accounts() {
    for name in passwd group shadow gshadow; do
        [ -e "$here/$name" ] || continue
        [ -e "/etc/$name" ] || continue
        while IFS= read -r line; do
            grep -q "^${line%%:*}:" "/etc/$name" || printf '%s\n' "$line" >> "/etc/$name"
        done < "$here/$name"
    done
}

# Debian's own tools give awk by hand too, before the package that makes the link is configured.
if [ ! -e /usr/bin/awk ] && [ -e /usr/bin/mawk ]; then
    ln -s mawk /usr/bin/awk
fi
# No service starts in here.
mkdir -p /usr/sbin
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    policy=made
fi

first=--force-depends
for batch in "$here"/batch.*; do
    set --
    while read -r name package arch; do
        case $arch in
        all) full=$package ;;
        *) full=$package:$arch ;;
        esac
        preinst "$name" "$package" "$arch" "$full"
        set -- "$@" "$full"
    done < "$batch/packages"
    cat "$batch/triggers" >> /var/lib/dpkg/triggers/Unincorp
    configure $first --configure "$@"
    # After the packages that make the files.
    accounts
    first=
done
configure --configure -a

while read -r name link path; do
    update-alternatives --query "$name" 2> /dev/null | grep -qx "Alternative: $path" ||
        update-alternatives --install "$link" "$name" "$path" 0 ||
        failed "the alternative $name cannot be $path"
    update-alternatives --set "$name" "$path" || failed "the alternative $name cannot be $path"
done < "$here/alternatives"

left=$(dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package}\n' | grep -v '^ii ' | head -n 1)
[ -z "$left" ] || failed "dpkg left a package in the state $left"
[ "${policy:-}" != made ] || rm /usr/sbin/policy-rc.d
. "$here/cleanup"
exit 0
