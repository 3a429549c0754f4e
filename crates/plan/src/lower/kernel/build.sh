# Builds a kernel from a resolved configuration.
#   /src/linux       the source tree
#   /deps/config     config
#   /out/out         vmlinuz, System.map, config
#   /out/vmlinux     vmlinux
#   /out/modules     usr/lib/modules/RELEASE
#   /out/headers     what modules outside the tree are built against
# The words after the script: the outputs, the image's target for make, and where make puts it. They
# are no variables, so that they are in the key of no compilation.
outputs=$1 image=$2 image_file=$3
export KBUILD_BUILD_USER=groundup KBUILD_BUILD_HOST=groundup KBUILD_BUILD_VERSION=1
KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %e %H:%M:%S UTC %Y')
export KBUILD_BUILD_TIMESTAMP

cp /deps/config/config .config
make -s -C /src/linux O=/build olddefconfig
if ! cmp -s .config /deps/config/config; then
    echo "the resolved configuration is not stable: resolving it again changes it" >&2
    diff /deps/config/config .config >&2 || true
    exit 1
fi
wants() { case " $outputs " in *" $1 "*) true ;; *) false ;; esac; }
modules=
if wants modules; then
    if ! grep -q '^CONFIG_MODULES=y$' .config; then
        echo "the configuration has no modules (CONFIG_MODULES is not set);" \
            "write \`modules = false\` in the recipe, or set it" >&2
        exit 1
    fi
    modules=modules
fi
# Each compilation is handed over, so that it runs once for all configurations in which it is the
# same. The other variables of the kernel's make are none of a compiler's.
reuse='/groundup/reuse -i'
# shellcheck disable=SC2086
make -C /src/linux O=/build -j"$GROUNDUP_JOBS" CC="$reuse gcc" HOSTCC="$reuse gcc" \
    objtool="$reuse ./tools/objtool/objtool" "$image" $modules

release=$(make -s -C /src/linux O=/build kernelrelease)
mkdir -p /out/out /out/vmlinux
cp "$image_file" /out/out/vmlinuz
cp System.map /out/out/System.map
cp .config /out/out/config
cp vmlinux /out/vmlinux/vmlinux
if wants modules; then
    mkdir -p /out/modules
    # The indexes of depmod are made below, from what is installed.
    make -s -C /src/linux O=/build modules_install INSTALL_MOD_PATH=/out/modules/usr DEPMOD=true
    rm -f "/out/modules/usr/lib/modules/$release/build" \
        "/out/modules/usr/lib/modules/$release/source"
    depmod -b /out/modules/usr -F System.map "$release"
fi
if wants headers; then
    to=/out/headers
    mkdir -p "$to"
    (cd /src/linux && find . -name 'Makefile*' -o -name 'Kconfig*' -o -name 'Kbuild*') |
        grep -v '^./tools/\|^./debian/\|^./Documentation/' > headers.list
    (cd /src/linux && find include scripts && find "arch/$SRCARCH" -path '*/include/*') >> headers.list
    (cd /src/linux && sort -u /build/headers.list | tar -cf - --no-recursion -T -) | tar -xf - -C "$to"
    cp -a include scripts "$to"
    mkdir -p "$to/arch/$SRCARCH"
    cp -a "arch/$SRCARCH/include" "$to/arch/$SRCARCH"
    [ ! -f tools/objtool/objtool ] || { mkdir -p "$to/tools/objtool"; cp tools/objtool/objtool "$to/tools/objtool"; }
    cp .config Module.symvers System.map "$to"
fi
