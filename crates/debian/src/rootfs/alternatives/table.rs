//! The well-known alternatives of Debian: a flat table.
//!
//! Names, links, candidates, priorities and slave links are those of the `update-alternatives`
//! calls in the maintainer scripts of bookworm. Translated manual pages are left out.

/// A group of alternatives.
pub(super) struct Group {
    pub(super) name: &'static str,
    /// The path that people use.
    pub(super) link: &'static str,
    pub(super) candidates: &'static [Candidate],
}

/// One program that can be chosen.
pub(super) struct Candidate {
    pub(super) path: &'static str,
    /// The highest among those present is chosen.
    pub(super) priority: i32,
    /// Further links that follow the choice: name, link, path.
    pub(super) slaves: &'static [(&'static str, &'static str, &'static str)],
}

const fn candidate(
    path: &'static str,
    priority: i32,
    slaves: &'static [(&'static str, &'static str, &'static str)],
) -> Candidate {
    Candidate { path, priority, slaves }
}

/// Sorted by name.
#[rustfmt::skip]
pub(super) const GROUPS: &[Group] = &[
    Group { name: "arptables", link: "/usr/sbin/arptables", candidates: &[
        candidate("/usr/sbin/arptables-nft", 20, &[
            ("arptables-restore", "/usr/sbin/arptables-restore", "/usr/sbin/arptables-nft-restore"),
            ("arptables-save", "/usr/sbin/arptables-save", "/usr/sbin/arptables-nft-save"),
        ]),
        candidate("/usr/sbin/arptables-legacy", 10, &[
            ("arptables-restore", "/usr/sbin/arptables-restore", "/usr/sbin/arptables-legacy-restore"),
            ("arptables-save", "/usr/sbin/arptables-save", "/usr/sbin/arptables-legacy-save"),
        ]),
    ] },
    Group { name: "automake", link: "/usr/bin/automake", candidates: &[
        candidate("/usr/bin/automake-1.16", 34, &[
            ("aclocal", "/usr/bin/aclocal", "/usr/bin/aclocal-1.16"),
            ("automake.1.gz", "/usr/share/man/man1/automake.1.gz", "/usr/share/man/man1/automake-1.16.1.gz"),
            ("aclocal.1.gz", "/usr/share/man/man1/aclocal.1.gz", "/usr/share/man/man1/aclocal-1.16.1.gz"),
        ]),
    ] },
    Group { name: "awk", link: "/usr/bin/awk", candidates: &[
        candidate("/usr/bin/gawk", 10, &[
            ("awk.1.gz", "/usr/share/man/man1/awk.1.gz", "/usr/share/man/man1/gawk.1.gz"),
            ("nawk", "/usr/bin/nawk", "/usr/bin/gawk"),
            ("nawk.1.gz", "/usr/share/man/man1/nawk.1.gz", "/usr/share/man/man1/gawk.1.gz"),
        ]),
        candidate("/usr/bin/mawk", 5, &[
            ("awk.1.gz", "/usr/share/man/man1/awk.1.gz", "/usr/share/man/man1/mawk.1.gz"),
            ("nawk", "/usr/bin/nawk", "/usr/bin/mawk"),
            ("nawk.1.gz", "/usr/share/man/man1/nawk.1.gz", "/usr/share/man/man1/mawk.1.gz"),
        ]),
        candidate("/usr/bin/original-awk", 0, &[
            ("awk.1.gz", "/usr/share/man/man1/awk.1.gz", "/usr/share/man/man1/original-awk.1.gz"),
        ]),
    ] },
    Group { name: "builtins.7.gz", link: "/usr/share/man/man7/builtins.7.gz", candidates: &[
        candidate("/usr/share/man/man7/bash-builtins.7.gz", 10, &[]),
    ] },
    Group { name: "c++", link: "/usr/bin/c++", candidates: &[
        candidate("/usr/bin/g++", 20, &[]),
        candidate("/usr/bin/clang++", 10, &[]),
    ] },
    Group { name: "c89", link: "/usr/bin/c89", candidates: &[
        candidate("/usr/bin/c89-gcc", 20, &[
            ("c89.1.gz", "/usr/share/man/man1/c89.1.gz", "/usr/share/man/man1/c89-gcc.1.gz"),
        ]),
        candidate("/usr/bin/clang", 10, &[]),
    ] },
    Group { name: "c99", link: "/usr/bin/c99", candidates: &[
        candidate("/usr/bin/c99-gcc", 20, &[
            ("c99.1.gz", "/usr/share/man/man1/c99.1.gz", "/usr/share/man/man1/c99-gcc.1.gz"),
        ]),
        candidate("/usr/bin/clang", 10, &[]),
    ] },
    Group { name: "cc", link: "/usr/bin/cc", candidates: &[
        candidate("/usr/bin/gcc", 20, &[]),
        candidate("/usr/bin/clang", 10, &[]),
        candidate("/usr/bin/tcc", 10, &[
            ("cc.1.gz", "/usr/share/man/man1/cc.1.gz", "/usr/share/man/man1/tcc.1.gz"),
        ]),
    ] },
    Group { name: "cpp", link: "/lib/cpp", candidates: &[
        candidate("/usr/bin/cpp", 10, &[]),
    ] },
    Group { name: "ebtables", link: "/usr/sbin/ebtables", candidates: &[
        candidate("/usr/sbin/ebtables-nft", 20, &[
            ("ebtables-restore", "/usr/sbin/ebtables-restore", "/usr/sbin/ebtables-nft-restore"),
            ("ebtables-save", "/usr/sbin/ebtables-save", "/usr/sbin/ebtables-nft-save"),
        ]),
        candidate("/usr/sbin/ebtables-legacy", 10, &[
            ("ebtables-restore", "/usr/sbin/ebtables-restore", "/usr/sbin/ebtables-legacy-restore"),
            ("ebtables-save", "/usr/sbin/ebtables-save", "/usr/sbin/ebtables-legacy-save"),
        ]),
    ] },
    Group { name: "editor", link: "/usr/bin/editor", candidates: &[
        candidate("/bin/nano", 40, &[
            ("editor.1.gz", "/usr/share/man/man1/editor.1.gz", "/usr/share/man/man1/nano.1.gz"),
        ]),
        candidate("/usr/bin/vim.basic", 30, &[
            ("editor.1.gz", "/usr/share/man/man1/editor.1.gz", "/usr/share/man/man1/vim.1.gz"),
        ]),
        candidate("/usr/bin/vim.tiny", 15, &[
            ("editor.1.gz", "/usr/share/man/man1/editor.1.gz", "/usr/share/man/man1/vim.1.gz"),
        ]),
        candidate("/bin/ed", -100, &[
            ("editor.1.gz", "/usr/share/man/man1/editor.1.gz", "/usr/share/man/man1/ed.1.gz"),
        ]),
    ] },
    Group { name: "ex", link: "/usr/bin/ex", candidates: &[
        candidate("/usr/bin/vim.basic", 30, &[
            ("ex.1.gz", "/usr/share/man/man1/ex.1.gz", "/usr/share/man/man1/vim.1.gz"),
        ]),
        candidate("/usr/bin/vim.tiny", 15, &[
            ("ex.1.gz", "/usr/share/man/man1/ex.1.gz", "/usr/share/man/man1/vim.1.gz"),
        ]),
    ] },
    Group { name: "fakeroot", link: "/usr/bin/fakeroot", candidates: &[
        candidate("/usr/bin/fakeroot-sysv", 50, &[
            ("fakeroot.1.gz", "/usr/share/man/man1/fakeroot.1.gz", "/usr/share/man/man1/fakeroot-sysv.1.gz"),
            ("faked.1.gz", "/usr/share/man/man1/faked.1.gz", "/usr/share/man/man1/faked-sysv.1.gz"),
        ]),
        candidate("/usr/bin/fakeroot-tcp", 30, &[
            ("fakeroot.1.gz", "/usr/share/man/man1/fakeroot.1.gz", "/usr/share/man/man1/fakeroot-tcp.1.gz"),
            ("faked.1.gz", "/usr/share/man/man1/faked.1.gz", "/usr/share/man/man1/faked-tcp.1.gz"),
        ]),
    ] },
    Group { name: "ip6tables", link: "/usr/sbin/ip6tables", candidates: &[
        candidate("/usr/sbin/ip6tables-nft", 20, &[
            ("ip6tables-restore", "/usr/sbin/ip6tables-restore", "/usr/sbin/ip6tables-nft-restore"),
            ("ip6tables-save", "/usr/sbin/ip6tables-save", "/usr/sbin/ip6tables-nft-save"),
        ]),
        candidate("/usr/sbin/ip6tables-legacy", 10, &[
            ("ip6tables-restore", "/usr/sbin/ip6tables-restore", "/usr/sbin/ip6tables-legacy-restore"),
            ("ip6tables-save", "/usr/sbin/ip6tables-save", "/usr/sbin/ip6tables-legacy-save"),
        ]),
    ] },
    Group { name: "iptables", link: "/usr/sbin/iptables", candidates: &[
        candidate("/usr/sbin/iptables-nft", 20, &[
            ("iptables-restore", "/usr/sbin/iptables-restore", "/usr/sbin/iptables-nft-restore"),
            ("iptables-save", "/usr/sbin/iptables-save", "/usr/sbin/iptables-nft-save"),
        ]),
        candidate("/usr/sbin/iptables-legacy", 10, &[
            ("iptables-restore", "/usr/sbin/iptables-restore", "/usr/sbin/iptables-legacy-restore"),
            ("iptables-save", "/usr/sbin/iptables-save", "/usr/sbin/iptables-legacy-save"),
        ]),
    ] },
    Group { name: "lzma", link: "/usr/bin/lzma", candidates: &[
        candidate("/usr/bin/xz", 20, &[
            ("lzma.1.gz", "/usr/share/man/man1/lzma.1.gz", "/usr/share/man/man1/xz.1.gz"),
            ("unlzma", "/usr/bin/unlzma", "/usr/bin/unxz"),
            ("unlzma.1.gz", "/usr/share/man/man1/unlzma.1.gz", "/usr/share/man/man1/unxz.1.gz"),
            ("lzcat", "/usr/bin/lzcat", "/usr/bin/xzcat"),
            ("lzcat.1.gz", "/usr/share/man/man1/lzcat.1.gz", "/usr/share/man/man1/xzcat.1.gz"),
            ("lzmore", "/usr/bin/lzmore", "/usr/bin/xzmore"),
            ("lzmore.1.gz", "/usr/share/man/man1/lzmore.1.gz", "/usr/share/man/man1/xzmore.1.gz"),
            ("lzless", "/usr/bin/lzless", "/usr/bin/xzless"),
            ("lzless.1.gz", "/usr/share/man/man1/lzless.1.gz", "/usr/share/man/man1/xzless.1.gz"),
            ("lzdiff", "/usr/bin/lzdiff", "/usr/bin/xzdiff"),
            ("lzdiff.1.gz", "/usr/share/man/man1/lzdiff.1.gz", "/usr/share/man/man1/xzdiff.1.gz"),
            ("lzcmp", "/usr/bin/lzcmp", "/usr/bin/xzcmp"),
            ("lzcmp.1.gz", "/usr/share/man/man1/lzcmp.1.gz", "/usr/share/man/man1/xzcmp.1.gz"),
            ("lzgrep", "/usr/bin/lzgrep", "/usr/bin/xzgrep"),
            ("lzgrep.1.gz", "/usr/share/man/man1/lzgrep.1.gz", "/usr/share/man/man1/xzgrep.1.gz"),
            ("lzegrep", "/usr/bin/lzegrep", "/usr/bin/xzegrep"),
            ("lzegrep.1.gz", "/usr/share/man/man1/lzegrep.1.gz", "/usr/share/man/man1/xzegrep.1.gz"),
            ("lzfgrep", "/usr/bin/lzfgrep", "/usr/bin/xzfgrep"),
            ("lzfgrep.1.gz", "/usr/share/man/man1/lzfgrep.1.gz", "/usr/share/man/man1/xzfgrep.1.gz"),
        ]),
    ] },
    Group { name: "mt", link: "/bin/mt", candidates: &[
        candidate("/bin/mt-gnu", 10, &[
            ("mt.1.gz", "/usr/share/man/man1/mt.1.gz", "/usr/share/man/man1/mt-gnu.1.gz"),
        ]),
    ] },
    Group { name: "nc", link: "/bin/nc", candidates: &[
        candidate("/bin/nc.openbsd", 50, &[
            ("netcat", "/bin/netcat", "/bin/nc.openbsd"),
            ("nc.1.gz", "/usr/share/man/man1/nc.1.gz", "/usr/share/man/man1/nc_openbsd.1.gz"),
            ("netcat.1.gz", "/usr/share/man/man1/netcat.1.gz", "/usr/share/man/man1/nc_openbsd.1.gz"),
        ]),
        candidate("/bin/nc.traditional", 10, &[
            ("netcat", "/bin/netcat", "/bin/nc.traditional"),
            ("nc.1.gz", "/usr/share/man/man1/nc.1.gz", "/usr/share/man/man1/nc.traditional.1.gz"),
            ("netcat.1.gz", "/usr/share/man/man1/netcat.1.gz", "/usr/share/man/man1/nc.traditional.1.gz"),
        ]),
    ] },
    Group { name: "pager", link: "/usr/bin/pager", candidates: &[
        candidate("/usr/bin/less", 77, &[
            ("pager.1.gz", "/usr/share/man/man1/pager.1.gz", "/usr/share/man/man1/less.1.gz"),
        ]),
        candidate("/usr/bin/most", 60, &[
            ("pager.1.gz", "/usr/share/man/man1/pager.1.gz", "/usr/share/man/man1/most.1.gz"),
        ]),
        candidate("/bin/more", 50, &[
            ("pager.1.gz", "/usr/share/man/man1/pager.1.gz", "/usr/share/man/man1/more.1.gz"),
        ]),
    ] },
    Group { name: "pico", link: "/usr/bin/pico", candidates: &[
        candidate("/bin/nano", 10, &[
            ("pico.1.gz", "/usr/share/man/man1/pico.1.gz", "/usr/share/man/man1/nano.1.gz"),
        ]),
    ] },
    Group { name: "pinentry", link: "/usr/bin/pinentry", candidates: &[
        candidate("/usr/bin/pinentry-gnome3", 90, &[
            ("pinentry.1.gz", "/usr/share/man/man1/pinentry.1.gz", "/usr/share/man/man1/pinentry-gnome3.1.gz"),
        ]),
        candidate("/usr/bin/pinentry-curses", 50, &[
            ("pinentry.1.gz", "/usr/share/man/man1/pinentry.1.gz", "/usr/share/man/man1/pinentry-curses.1.gz"),
        ]),
        candidate("/usr/bin/pinentry-tty", 30, &[
            ("pinentry.1.gz", "/usr/share/man/man1/pinentry.1.gz", "/usr/share/man/man1/pinentry-tty.1.gz"),
        ]),
    ] },
    Group { name: "rmt", link: "/usr/sbin/rmt", candidates: &[
        candidate("/usr/sbin/rmt-tar", 50, &[
            ("rmt.8.gz", "/usr/share/man/man8/rmt.8.gz", "/usr/share/man/man8/rmt-tar.8.gz"),
        ]),
    ] },
    Group { name: "rview", link: "/usr/bin/rview", candidates: &[
        candidate("/usr/bin/vim.basic", 30, &[]),
        candidate("/usr/bin/vim.tiny", 15, &[]),
    ] },
    Group { name: "rvim", link: "/usr/bin/rvim", candidates: &[
        candidate("/usr/bin/vim.basic", 30, &[]),
    ] },
    Group { name: "vi", link: "/usr/bin/vi", candidates: &[
        candidate("/usr/bin/vim.basic", 30, &[
            ("vi.1.gz", "/usr/share/man/man1/vi.1.gz", "/usr/share/man/man1/vim.1.gz"),
        ]),
        candidate("/usr/bin/vim.tiny", 15, &[
            ("vi.1.gz", "/usr/share/man/man1/vi.1.gz", "/usr/share/man/man1/vim.1.gz"),
        ]),
    ] },
    Group { name: "view", link: "/usr/bin/view", candidates: &[
        candidate("/usr/bin/vim.basic", 30, &[
            ("view.1.gz", "/usr/share/man/man1/view.1.gz", "/usr/share/man/man1/vim.1.gz"),
        ]),
        candidate("/usr/bin/vim.tiny", 15, &[
            ("view.1.gz", "/usr/share/man/man1/view.1.gz", "/usr/share/man/man1/vim.1.gz"),
        ]),
    ] },
    Group { name: "vim", link: "/usr/bin/vim", candidates: &[
        candidate("/usr/bin/vim.basic", 30, &[]),
    ] },
    Group { name: "vimdiff", link: "/usr/bin/vimdiff", candidates: &[
        candidate("/usr/bin/vim.basic", 30, &[]),
    ] },
    Group { name: "w", link: "/usr/bin/w", candidates: &[
        candidate("/usr/bin/w.procps", 50, &[
            ("w.1.gz", "/usr/share/man/man1/w.1.gz", "/usr/share/man/man1/w.procps.1.gz"),
        ]),
    ] },
    Group { name: "which", link: "/usr/bin/which", candidates: &[
        candidate("/usr/bin/which.debianutils", 0, &[
            ("which.1.gz", "/usr/share/man/man1/which.1.gz", "/usr/share/man/man1/which.debianutils.1.gz"),
        ]),
    ] },
    Group { name: "yacc", link: "/usr/bin/yacc", candidates: &[
        candidate("/usr/bin/bison.yacc", 100, &[
            ("yaccman", "/usr/share/man/man1/yacc.1.gz", "/usr/share/man/man1/bison.yacc.1.gz"),
        ]),
        candidate("/usr/bin/byacc", 80, &[
            ("yaccman", "/usr/share/man/man1/yacc.1.gz", "/usr/share/man/man1/byacc.1.gz"),
        ]),
    ] },
];
