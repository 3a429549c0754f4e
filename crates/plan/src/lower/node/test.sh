# Boots a node in an emulator and looks at what it says; the console is the log of this step.
#   /deps/disk/disk.raw, /deps/uki/cmdline, /deps/kernel/vmlinuz, /deps/initrd.cpio
#   /deps/test       console: texts, a line each; script: what runs inside
#   $FIRMWARE, $MEMORY
#   /out/passed      what was found
console=/build/console.txt
: > "$console"
set -- -nodefaults -no-user-config -nographic -no-reboot \
    -machine pc -accel tcg,thread=multi -cpu max -smp 2 -m "$((MEMORY / 1048576))" \
    -drive if=none,id=disk,file=/deps/disk/disk.raw,format=raw,readonly=on \
    -device virtio-blk-pci,drive=disk -device virtio-rng-pci \
    -netdev user,id=net,restrict=on -device virtio-net-pci,netdev=net \
    -chardev "stdio,id=console,logfile=$console,signal=off" -serial chardev:console
case $FIRMWARE in
uefi)
    cp /usr/share/OVMF/OVMF_VARS_4M.fd /build/vars.fd
    set -- "$@" -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
        -drive if=pflash,format=raw,file=/build/vars.fd
    ;;
*)
    cmdline=$(cat /deps/uki/cmdline)
    if [ -f /deps/test/script ]; then
        # The shell of the node reads the script from a disk of its own.
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
            echo 'sleep 1'
            echo 'exit 0'
        } > /build/script
        size=$(stat -c %s /build/script)
        truncate -s $(((size + 4095) / 4096 * 4096)) /build/script
        set -- "$@" -drive if=none,id=test,file=/build/script,format=raw,readonly=on \
            -device virtio-blk-pci,drive=test
        # Beside what the node starts by itself: the generator's own target pulls in less.
        cmdline="$cmdline systemd.unit=kernel-command-line.target systemd.wants=multi-user.target"
        cmdline="$cmdline systemd.run=\"/bin/sh /dev/vdb\""
        cmdline="$cmdline systemd.run_success_action=poweroff-immediate"
        cmdline="$cmdline systemd.run_failure_action=poweroff-immediate"
    fi
    set -- "$@" -kernel /deps/kernel/vmlinuz -initrd /deps/initrd.cpio -append "$cmdline"
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
over() {
    if [ -f /deps/test/script ]; then
        grep -q 'groundup: the script exited with code [0-9]' "$console"
    else
        found
    fi
}
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
if ! found; then
    echo "groundup: the console never said: $missing" >&2
    exit 1
fi
if [ -f /deps/test/script ]; then
    code=$(tr -d '\r' < "$console" | sed -n 's/.*groundup: the script exited with code \([0-9]*\).*/\1/p' | tail -n 1)
    if [ -z "$code" ]; then
        echo "groundup: the machine ended before the script did" >&2
        exit 1
    fi
    if [ "$code" != 0 ]; then
        echo "groundup: the script of the test exited with code $code" >&2
        exit 1
    fi
    echo "script: exit code 0" > /build/passed
fi
sed 's/^/console: /' /deps/test/console >> /build/passed
mkdir -p /out
cp /build/passed /out/passed
