# Resolves the configuration of a kernel.
#   /src/linux         the source tree
#   /deps/fragments    base.target or base.config, fragments/NN.config, options.config
#   /out/config        what Kconfig makes of them
in=/deps/fragments
if [ -f "$in/base.config" ]; then
    cp "$in/base.config" .config
else
    make -s -C /src/linux O=/build "$(cat "$in/base.target")"
fi
# The last value of a symbol counts, and stands where it was given: of a choice of which two are
# asked for, Kconfig takes the one that stands last.
set -- .config
for file in "$in"/fragments/*.config "$in/options.config"; do
    [ ! -f "$file" ] || set -- "$@" "$file"
done
awk '
    function take(symbol) {
        line[++count] = $0
        last[symbol] = count
        name[count] = symbol
    }
    /^CONFIG_[A-Za-z0-9_]+=/ { symbol = $0; sub(/=.*/, "", symbol); take(symbol); next }
    /^# CONFIG_[A-Za-z0-9_]+ is not set$/ { take($2) }
    END { for (i = 1; i <= count; i++) if (last[name[i]] == i) print line[i] }
' "$@" > merged
mv merged .config
make -s -C /src/linux O=/build olddefconfig
mkdir -p /out
cp .config /out/config
