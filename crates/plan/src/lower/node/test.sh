# Boots a node in an emulator and looks at what it says and answers; the console is the log of this
# step.
#   /deps/disk/disk.raw, /deps/uki/cmdline, /deps/kernel/vmlinuz, /deps/initrd.cpio
#   /deps/test       console: texts, a line each; script: what runs inside;
#                    http: pages, each in three lines: port, path, text that must stand in the answer
#   $FIRMWARE, $MEMORY
#   /out/passed      what was found
console=/build/console.txt
: > "$console"

# Page N is read through a port of the loopback interface of this sandbox.
pages=/deps/test/http
[ -f "$pages" ] || pages=/dev/null
url() { echo "http://127.0.0.1:$((18080 + $1))$2"; }
forward=
n=0
while IFS= read -r port && IFS= read -r path && IFS= read -r expect; do
    forward="$forward,hostfwd=tcp:127.0.0.1:$((18080 + n))-:$port"
    n=$((n + 1))
done < "$pages"

set -- -nodefaults -no-user-config -nographic -no-reboot \
    -machine pc -accel tcg,thread=multi -cpu max -smp 2 -m "$((MEMORY / 1048576))" \
    -drive if=none,id=disk,file=/deps/disk/disk.raw,format=raw,readonly=on \
    -device virtio-blk-pci,drive=disk,bootindex=1 -device virtio-rng-pci \
    -netdev "user,id=net,restrict=on$forward" -device virtio-net-pci,netdev=net,romfile= \
    -chardev "stdio,id=console,logfile=$console,signal=off" -serial chardev:console
options=
if [ -f /deps/test/script ]; then
    # The shell of the node reads the script from a disk of its own. Where pages are asked for, the
    # machine stays on after it.
    {
        echo 'exec </dev/null >/dev/console 2>&1'
        echo "cat > /run/groundup-test <<'GROUNDUP_END_OF_SCRIPT'"
        cat /deps/test/script
        echo
        echo GROUNDUP_END_OF_SCRIPT
        echo 'code=0'
        echo '/bin/sh -eu /run/groundup-test || code=$?'
        echo 'echo'
        echo 'echo "groundup: the script exited with code $code"'
        [ -z "$forward" ] || echo 'while :; do sleep 60; done'
        echo 'sleep 1'
        echo 'exit 0'
    } > /build/script
    size=$(stat -c %s /build/script)
    truncate -s $(((size + 4095) / 4096 * 4096)) /build/script
    set -- "$@" -drive if=none,id=test,file=/build/script,format=raw,readonly=on \
        -device virtio-blk-pci,drive=test
    # Beside what the node starts by itself: the generator's own target pulls in less.
    options="systemd.unit=kernel-command-line.target systemd.wants=multi-user.target"
    options="$options systemd.run=\"/bin/sh /dev/vdb\""
    options="$options systemd.run_success_action=poweroff-immediate"
    options="$options systemd.run_failure_action=poweroff-immediate"
fi

# The variables of the firmware with one more: what systemd reads as if it stood on the kernel
# command line, so that the image stays as it is. A variable is (EDK II, AUTHENTICATED_VARIABLE_HEADER):
# 0x55aa, state 0x3f, 0, attributes, a counter and a time of zeros, the bytes of name and data, the
# vendor's GUID, then both in UTF-16; in an empty store the first stands at byte 100.
variables() {
    cp /usr/share/OVMF/OVMF_VARS_4M.fd /build/vars.fd
    [ -n "$options" ] || return 0
    if [ "$(od -An -tx1 -j100 -N2 /build/vars.fd)" != " ff ff" ]; then
        echo "groundup: the firmware's store of variables is not empty" >&2
        exit 1
    fi
    byte() { printf "\\$(printf %03o $(($1 & 255)))"; }
    long() { byte "$1"; byte $(($1 >> 8)); byte $(($1 >> 16)); byte $(($1 >> 24)); }
    wide() { printf "$(echo "$1" | sed 's/./&\\000/g')"; }
    name=SystemdOptions
    {
        printf '\252\125\077\000'
        long 7
        long 0; long 0; long 0; long 0; long 0; long 0; long 0
        long $((${#name} * 2 + 2))
        long $((${#options} * 2))
        printf '\113\144\362\214\013\113\217\102\223\207\155\207\140\120\334\147'
        wide "$name"
        printf '\000\000'
        wide "$options"
    } | dd of=/build/vars.fd bs=1 seek=100 conv=notrunc status=none
}
case $FIRMWARE in
uefi)
    variables
    set -- "$@" -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
        -drive if=pflash,format=raw,file=/build/vars.fd
    ;;
*)
    set -- "$@" -kernel /deps/kernel/vmlinuz -initrd /deps/initrd.cpio \
        -append "$(cat /deps/uki/cmdline) $options"
    ;;
esac
qemu-system-x86_64 "$@" < /dev/null &
machine=$!

# Everything that is asked for, in order; says what is missing.
found() {
    from=1
    while IFS= read -r want; do
        at=$(tail -n "+$from" "$console" | tr -d '\r' | grep -n -F -m 1 -e "$want" | cut -d: -f1)
        if [ -z "$at" ]; then
            missing=$want
            return 1
        fi
        from=$((from + at - 1))
    done < /deps/test/console
}
# The script's exit code, once it has one.
script_code() {
    tr -d '\r' < "$console" |
        sed -n 's/.*groundup: the script exited with code \([0-9][0-9]*\).*/\1/p' | tail -n 1
}
# Whether every page was answered; `waiting` is the first that was not, `wrong` one that was, but not
# as it must be.
waiting=
wrong=
answered() {
    n=0
    while IFS= read -r port && IFS= read -r path && IFS= read -r expect; do
        page=/build/page.$n
        url=$(url $n "$path")
        n=$((n + 1))
        [ ! -f "$page.passed" ] || continue
        said=$(curl -s --max-time 10 -o "$page" -w 'status %{http_code}' "$url") || said="no answer"
        if [ "$said" = "status 200" ]; then
            if ! grep -q -F -e "$expect" "$page"; then
                wrong="$path of port $port has no text '$expect'; it begins: $(head -c 300 "$page")"
                return 0
            fi
            : > "$page.passed"
            continue
        fi
        waiting="$path of port $port: $said"
        return 1
    done < "$pages"
}
over() {
    if [ -f /deps/test/script ]; then
        code=$(script_code)
        [ -n "$code" ] || return 1
        [ "$code" = 0 ] || return 0
    else
        found || return 1
    fi
    answered && return 0
    if [ "$waiting" != "$told" ]; then
        told=$waiting
        echo "groundup: not yet: $waiting" >&2
    fi
    return 1
}
told=
ended=
until over; do
    if ! kill -0 "$machine" 2> /dev/null; then
        ended=yes
        break
    fi
    sleep 0.2
done
[ -n "$ended" ] || kill "$machine"
wait "$machine" || true
echo
fail() {
    echo "groundup: $*" >&2
    exit 1
}
: > /build/passed
if [ -f /deps/test/script ]; then
    code=$(script_code)
    [ -n "$code" ] || fail "the machine ended before the script did"
    [ "$code" = 0 ] || fail "the script of the test exited with code $code"
    echo "script: exit code 0" >> /build/passed
fi
found || fail "the console never said: $missing"
sed 's/^/console: /' /deps/test/console >> /build/passed
[ -z "$wrong" ] || fail "$wrong"
n=0
while IFS= read -r port && IFS= read -r path && IFS= read -r expect; do
    [ -f "/build/page.$n.passed" ] || fail "the machine ended before it answered with $path of port $port"
    n=$((n + 1))
    echo "http: $path of port $port: $expect" >> /build/passed
done < "$pages"
mkdir -p /out
cp /build/passed /out/passed
