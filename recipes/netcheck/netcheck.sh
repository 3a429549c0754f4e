#!/bin/sh
# Adds a rule that xors a packet's mark, for IPv4 and IPv6, and shows what the kernel took.
# Needs a network namespace of its own, and CAP_NET_ADMIN in it.
set -eu

printf '*mangle\n-A OUTPUT -j MARK --xor-mark 0x1\nCOMMIT\n' | iptables-nft-restore
printf '*mangle\n-A OUTPUT -j MARK --xor-mark 0x1\nCOMMIT\n' | ip6tables-nft-restore

echo "IPv4"
iptables-nft-save -t mangle
echo "IPv6"
ip6tables-nft-save -t mangle
