//! The seccomp filter: which system calls a step is refused, and which the launcher answers.
//!
//! A pure function from [`Privilege`] to a BPF program. Refused calls fail as if the kernel lacked
//! them or the caller the right to them; nothing is killed, so programs take their other way.
//! Calls of 32-bit x86 programs have a table of their own; any other foreign architecture is refused.

mod ownership;

use libc::sock_filter as Instruction;

use crate::traced::{self, Does};
use crate::{LookUps, Privilege};
pub(crate) use ownership::FCHMODAT2;

/// What is done with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It fails with this error; 0 makes it return 0 without effect.
    Errno(i32),
    /// The launcher answers it.
    Ask,
}

/// When the verdict holds; else the call is allowed. Arguments are looked at as 32-bit numbers.
#[derive(Debug, Clone)]
enum When {
    Always,
    AnyBit {
        argument: u32,
        mask: u32,
    },
    OneOf {
        argument: u32,
        values: &'static [u32],
    },
    NoneOf {
        argument: u32,
        values: &'static [u32],
    },
    /// Unless the flags say that the path may be empty and it starts from a descriptor.
    UnlessDescriptor {
        from: u32,
        flags: u32,
    },
}

type Rule = (u32, When, Verdict);

/// `CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET`.
const NAMESPACES: u32 = 0x7e02_0000;
/// `CLONE_NEWTIME`, which `clone` reads as part of a signal number.
const TIME_NAMESPACE: u32 = 0x80;
/// `AF_UNIX`, `AF_INET`, `AF_INET6`, `AF_NETLINK`.
const FAMILIES: &[u32] = &[1, 2, 10, 16];
/// `TIOCSTI`, `TIOCLINUX`: typing into the caller's terminal.
const TYPING: &[u32] = &[0x5412, 0x541c];
/// Asking, and fixed addresses for Linux programs of either width.
const PERSONALITIES: &[u32] = &[0xffff_ffff, 0, 8, 0x0004_0000, 0x0004_0008];

#[cfg(target_arch = "x86_64")]
pub(crate) const NATIVE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub(crate) const NATIVE: u32 = 0xc000_00b7;
#[cfg(target_arch = "riscv64")]
pub(crate) const NATIVE: u32 = 0xc000_00f3;
/// `AUDIT_ARCH_I386`.
const I386: u32 = 0x4000_0003;
/// Set in the numbers of the x32 interface.
const X32: u32 = 0x4000_0000;

/// The rules for the machine's own interface.
fn native_rules(privilege: Privilege, look_ups: LookUps) -> Vec<Rule> {
    use When::{Always, AnyBit, NoneOf, OneOf, UnlessDescriptor};
    let typing =
        (libc::SYS_ioctl, OneOf { argument: 1, values: TYPING }, Verdict::Errno(libc::EPERM));
    let mut rules = vec![typing];
    if privilege == Privilege::None {
        rules.extend([
            (libc::SYS_uname, Always, Verdict::Ask),
            (libc::SYS_sysinfo, Always, Verdict::Ask),
            // No supplementary groups: those of the caller cannot be left, so they are not shown.
            (libc::SYS_getgroups, Always, Verdict::Errno(0)),
            (
                libc::SYS_clone,
                AnyBit { argument: 0, mask: NAMESPACES },
                Verdict::Errno(libc::EPERM),
            ),
            (
                libc::SYS_unshare,
                AnyBit { argument: 0, mask: NAMESPACES | TIME_NAMESPACE },
                Verdict::Errno(libc::EPERM),
            ),
            (
                libc::SYS_personality,
                NoneOf { argument: 0, values: PERSONALITIES },
                Verdict::Errno(libc::EPERM),
            ),
            (
                libc::SYS_socket,
                NoneOf { argument: 0, values: FAMILIES },
                Verdict::Errno(libc::EAFNOSUPPORT),
            ),
            (
                libc::SYS_socketpair,
                NoneOf { argument: 0, values: FAMILIES },
                Verdict::Errno(libc::EAFNOSUPPORT),
            ),
        ]);
        let absent = ABSENT.iter().map(|&call| (call, Always, Verdict::Errno(libc::ENOSYS)));
        let refused = REFUSED.iter().map(|&call| (call, Always, Verdict::Errno(libc::EPERM)));
        rules.extend(absent.chain(refused));
    }
    let mut rules: Vec<Rule> =
        rules.into_iter().map(|(call, when, verdict)| (call as u32, when, verdict)).collect();
    if look_ups == LookUps::Noted {
        rules.extend(traced::calls().map(|(call, does)| {
            let when = match does {
                Does::LookUnlessEmpty(place, flags) => {
                    UnlessDescriptor { from: place.from.unwrap_or(0), flags }
                }
                _ => Always,
            };
            (call, when, Verdict::Ask)
        }));
    }
    rules
}

/// Calls that a step finds missing: their users know how to do without.
const ABSENT: &[libc::c_long] = &[
    libc::SYS_clone3, // its flags are behind a pointer; C libraries fall back to clone
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_memfd_secret,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
];

/// Calls that a step may not make.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
];

/// The same for 32-bit x86 programs, by the numbers of `arch/x86/entry/syscalls/syscall_32.tbl`.
fn i386_rules(privilege: Privilege) -> Vec<Rule> {
    use When::{Always, AnyBit, NoneOf, OneOf};
    let eperm = Verdict::Errno(libc::EPERM);
    let mut rules = vec![(54, OneOf { argument: 1, values: TYPING }, eperm)];
    if privilege == Privilege::None {
        let family = Verdict::Errno(libc::EAFNOSUPPORT);
        rules.extend([
            (122, Always, Verdict::Ask),
            (80, Always, Verdict::Errno(0)),
            (205, Always, Verdict::Errno(0)),
            (120, AnyBit { argument: 0, mask: NAMESPACES }, eperm),
            (310, AnyBit { argument: 0, mask: NAMESPACES | TIME_NAMESPACE }, eperm),
            (136, NoneOf { argument: 0, values: PERSONALITIES }, eperm),
            (359, NoneOf { argument: 0, values: FAMILIES }, family),
            (360, NoneOf { argument: 0, values: FAMILIES }, family),
        ]);
        let absent = I386_ABSENT.iter().map(|&call| (call, Always, Verdict::Errno(libc::ENOSYS)));
        let refused = I386_REFUSED.iter().map(|&call| (call, Always, eperm));
        rules.extend(absent.chain(refused));
    }
    rules
}

/// olduname, oldolduname, socketcall (its arguments are behind a pointer), sysinfo (another layout),
/// and what [`ABSENT`] names.
const I386_ABSENT: &[u32] = &[
    59, 109, 102, 116, 435, 286, 287, 288, 425, 426, 427, 374, 447, 428, 429, 430, 431, 432, 433,
    442,
];

/// stime, iopl, ioperm, umount, the 64-bit time forms, and what [`REFUSED`] names.
const I386_REFUSED: &[u32] = &[
    25, 110, 101, 22, 404, 405, 21, 52, 217, 61, 346, 357, 336, 342, 338, 131, 51, 87, 115, 88,
    103, 111, 283, 128, 350, 129, 79, 264, 343, 124,
];

/// The program for a step or a person's tool.
pub(crate) fn program(privilege: Privilege, look_ups: LookUps) -> Vec<Instruction> {
    let end = match look_ups {
        LookUps::Unnoted => None,
        LookUps::Noted => Some(traced::LATER),
    };
    let native = section(&native_rules(privilege, look_ups), cfg!(target_arch = "x86_64"), end);
    // The paths of 32-bit programs are not noted.
    let i386 = if cfg!(target_arch = "x86_64") && look_ups == LookUps::Unnoted {
        section(&i386_rules(privilege), false, None)
    } else {
        vec![give(Verdict::Errno(libc::ENOSYS))]
    };
    joined(native, i386)
}

/// The program for a step whose ownership is data.
pub(crate) fn program_of_owners() -> Vec<Instruction> {
    let mut rules = native_rules(Privilege::None, LookUps::Unnoted);
    rules.extend(ownership::rules());
    joined(section(&rules, cfg!(target_arch = "x86_64"), None), vec![give(Verdict::Ask)])
}

/// The sections behind a look at the interface that is used.
fn joined(native: Vec<Instruction>, i386: Vec<Instruction>) -> Vec<Instruction> {
    // The first jump leads over the other three instructions of the head, the second over the
    // refusal and the native section.
    let mut program = vec![
        load(ARCH),
        jump_equal(NATIVE, 3, 0),
        jump_equal(I386, 0, 1),
        jump_over(1 + native.len() as u32),
        give(Verdict::Errno(libc::ENOSYS)),
    ];
    program.extend(native);
    program.extend(i386);
    program
}

/// Looks the call's number up in the rules. By halves: the kernel tries every number when the filter is
/// installed, to remember what is allowed whatever the arguments.
/// Calls from `end` on are missing.
fn section(rules: &[Rule], has_x32: bool, end: Option<u32>) -> Vec<Instruction> {
    let mut out = vec![load(NUMBER)];
    let end = end.or(has_x32.then_some(X32));
    if let Some(end) = end {
        out.push(Instruction { code: JUMP_GREATER_EQUAL, jt: 0, jf: 1, k: end });
        out.push(give(Verdict::Errno(libc::ENOSYS)));
    }
    let mut rules: Vec<&Rule> = rules.iter().collect();
    rules.sort_by_key(|(call, ..)| *call);
    out.extend(look_up(&rules));
    out
}

/// Decides about the number that is loaded; every way returns.
fn look_up(rules: &[&Rule]) -> Vec<Instruction> {
    const FEW: usize = 4;
    if rules.len() <= FEW {
        let mut out = Vec::new();
        for (call, when, verdict) in rules {
            let body = body(when, *verdict);
            out.push(jump_equal(*call, 0, body.len() as u8));
            out.extend(body);
        }
        out.push(allow());
        return out;
    }
    let (low, high) = rules.split_at(rules.len() / 2);
    let below = look_up(low);
    // A conditional jump reaches 255 instructions only.
    let first = Instruction { code: JUMP_GREATER_EQUAL, jt: 0, jf: 1, k: high[0].0 };
    let mut out = vec![first, jump_over(below.len() as u32)];
    out.extend(below);
    out.extend(look_up(high));
    out
}

/// Decides a call whose number matched; both ways return.
fn body(when: &When, verdict: Verdict) -> Vec<Instruction> {
    match when {
        When::Always => vec![give(verdict)],
        When::AnyBit { argument, mask } => vec![
            load(low_word(*argument)),
            Instruction { code: JUMP_ANY_BIT, jt: 0, jf: 1, k: *mask },
            give(verdict),
            allow(),
        ],
        When::UnlessDescriptor { from, flags } => vec![
            load(low_word(*flags)),
            Instruction { code: JUMP_ANY_BIT, jt: 1, jf: 0, k: traced::EMPTY_PATH },
            give(verdict),
            load(low_word(*from)),
            jump_equal(traced::WORKING_DIRECTORY, 1, 0),
            allow(),
            give(verdict),
        ],
        When::OneOf { argument, values } => listed(*argument, values, give(verdict), allow()),
        When::NoneOf { argument, values } => listed(*argument, values, allow(), give(verdict)),
    }
}

fn listed(argument: u32, values: &[u32], yes: Instruction, no: Instruction) -> Vec<Instruction> {
    let mut out = vec![load(low_word(argument))];
    for (index, value) in values.iter().enumerate() {
        // Over the values that follow and over `no`.
        out.push(jump_equal(*value, (values.len() - index) as u8, 0));
    }
    out.extend([no, yes]);
    out
}

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;

fn low_word(argument: u32) -> u32 {
    16 + 8 * argument
}

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const JUMP_GREATER_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const JUMP_ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD, jt: 0, jf: 0, k: offset }
}

fn jump_equal(value: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code: JUMP_EQUAL, jt, jf, k: value }
}

fn jump_over(count: u32) -> Instruction {
    Instruction { code: JUMP, jt: 0, jf: 0, k: count }
}

fn give(verdict: Verdict) -> Instruction {
    let k = match verdict {
        Verdict::Errno(errno) => libc::SECCOMP_RET_ERRNO | errno as u32,
        Verdict::Ask => libc::SECCOMP_RET_USER_NOTIF,
    };
    Instruction { code: RETURN, jt: 0, jf: 0, k }
}

fn allow() -> Instruction {
    Instruction { code: RETURN, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel would.
    fn decide(privilege: Privilege, arch: u32, call: u32, args: [u64; 3]) -> u32 {
        let program = program(privilege, LookUps::Unnoted);
        run(&program, arch, call, args)
    }

    fn run(program: &[Instruction], arch: u32, call: u32, args: [u64; 3]) -> u32 {
        let mut data = [0_u8; 64];
        data[0..4].copy_from_slice(&call.to_le_bytes());
        data[4..8].copy_from_slice(&arch.to_le_bytes());
        for (index, argument) in args.iter().enumerate() {
            data[16 + 8 * index..24 + 8 * index].copy_from_slice(&argument.to_le_bytes());
        }
        let (mut at, mut value) = (0, 0);
        loop {
            let Instruction { code, jt, jf, k } = program[at];
            at += 1;
            let holds = match code {
                LOAD => {
                    let word = &data[k as usize..k as usize + 4];
                    value = u32::from_le_bytes(word.try_into().unwrap());
                    continue;
                }
                JUMP => {
                    at += k as usize;
                    continue;
                }
                RETURN => return k,
                JUMP_EQUAL => value == k,
                JUMP_GREATER_EQUAL => value >= k,
                JUMP_ANY_BIT => value & k != 0,
                _ => panic!("unknown instruction {code}"),
            };
            at += usize::from(if holds { jt } else { jf });
        }
    }

    fn errno(errno: i32) -> u32 {
        libc::SECCOMP_RET_ERRNO | errno as u32
    }

    #[test]
    fn ordinary_calls_are_allowed() {
        for call in [libc::SYS_read, libc::SYS_openat, libc::SYS_execve, libc::SYS_ptrace] {
            let verdict = decide(Privilege::None, NATIVE, call as u32, [0; 3]);
            assert_eq!(verdict, libc::SECCOMP_RET_ALLOW);
        }
    }

    #[test]
    fn every_listed_call_is_refused() {
        for call in REFUSED {
            assert_eq!(decide(Privilege::None, NATIVE, *call as u32, [0; 3]), errno(libc::EPERM));
        }
        for call in ABSENT {
            assert_eq!(decide(Privilege::None, NATIVE, *call as u32, [0; 3]), errno(libc::ENOSYS));
        }
    }

    #[test]
    fn a_number_has_one_rule() {
        for privilege in [Privilege::None, Privilege::NamespaceRoot] {
            let native = [LookUps::Unnoted, LookUps::Noted].map(|it| native_rules(privilege, it));
            for rules in native.into_iter().chain([i386_rules(privilege)]) {
                let calls: std::collections::BTreeSet<_> =
                    rules.iter().map(|rule| rule.0).collect();
                assert_eq!(calls.len(), rules.len());
            }
        }
    }

    #[test]
    fn ownership_adds_rules_and_takes_none_away() {
        let mut rules = native_rules(Privilege::None, LookUps::Unnoted);
        rules.extend(ownership::rules());
        let calls: std::collections::BTreeSet<_> = rules.iter().map(|rule| rule.0).collect();
        assert_eq!(calls.len(), rules.len());
        let usual = program(Privilege::None, LookUps::Unnoted);
        let decide = |call: u32, args| run(&program_of_owners(), NATIVE, call, args);
        for (call, ..) in native_rules(Privilege::None, LookUps::Unnoted) {
            assert_eq!(decide(call, [0; 3]), run(&usual, NATIVE, call, [0; 3]), "{call}");
        }
        assert_eq!(decide(libc::SYS_fstat as u32, [0; 3]), libc::SECCOMP_RET_USER_NOTIF);
        assert_eq!(decide(libc::SYS_fsync as u32, [0; 3]), errno(0));
        let open = libc::SYS_openat as u32;
        assert_eq!(decide(open, [0; 3]), libc::SECCOMP_RET_ALLOW);
        let create = [0, 0, libc::O_CREAT as u64 | 1];
        assert_eq!(decide(open, create), libc::SECCOMP_RET_USER_NOTIF);
        // Not one of a 32-bit program's calls goes unseen.
        for call in 0..500 {
            let verdict = run(&program_of_owners(), I386, call, [0; 3]);
            assert_eq!(verdict, libc::SECCOMP_RET_USER_NOTIF);
        }
    }

    #[test]
    fn what_has_no_rule_is_allowed_in_either_interface() {
        let interfaces = [
            (NATIVE, native_rules(Privilege::None, LookUps::Unnoted)),
            (I386, i386_rules(Privilege::None)),
        ];
        for (arch, rules) in interfaces {
            for call in (0..500).filter(|call| !rules.iter().any(|rule| rule.0 == *call)) {
                let verdict = decide(Privilege::None, arch, call, [0; 3]);
                let foreign = arch == I386 && !cfg!(target_arch = "x86_64");
                assert_eq!(verdict == libc::SECCOMP_RET_ALLOW, !foreign, "{arch:x} {call}");
            }
        }
    }

    #[test]
    fn every_listed_call_of_the_32_bit_interface_is_refused() {
        if cfg!(target_arch = "x86_64") {
            for call in I386_REFUSED {
                assert_eq!(decide(Privilege::None, I386, *call, [0; 3]), errno(libc::EPERM));
            }
            for call in I386_ABSENT {
                assert_eq!(decide(Privilege::None, I386, *call, [0; 3]), errno(libc::ENOSYS));
            }
        }
    }

    #[test]
    fn threads_are_made_and_namespaces_are_not() {
        let clone = libc::SYS_clone as u32;
        let thread = decide(Privilege::None, NATIVE, clone, [0x003d_0f00, 0, 0]);
        assert_eq!(thread, libc::SECCOMP_RET_ALLOW);
        for flag in [0x0002_0000, 0x1000_0000, 0x4000_0000_u64] {
            let namespace = decide(Privilege::None, NATIVE, clone, [flag | 17, 0, 0]);
            assert_eq!(namespace, errno(libc::EPERM));
        }
    }

    #[test]
    fn only_harmless_socket_families_exist() {
        let socket = libc::SYS_socket as u32;
        for family in [1, 2, 10, 16] {
            let verdict = decide(Privilege::None, NATIVE, socket, [family, 1, 0]);
            assert_eq!(verdict, libc::SECCOMP_RET_ALLOW);
        }
        for family in [17, 38, 40] {
            let verdict = decide(Privilege::None, NATIVE, socket, [family, 1, 0]);
            assert_eq!(verdict, errno(libc::EAFNOSUPPORT));
        }
    }

    #[test]
    fn upper_halves_of_arguments_do_not_hide_a_value() {
        let ioctl = libc::SYS_ioctl as u32;
        let verdict = decide(Privilege::None, NATIVE, ioctl, [0, 0xffff_ffff_0000_5412, 0]);
        assert_eq!(verdict, errno(libc::EPERM));
    }

    #[test]
    fn other_interfaces_are_no_way_around() {
        if cfg!(target_arch = "x86_64") {
            assert_eq!(decide(Privilege::None, NATIVE, X32 | 165, [0; 3]), errno(libc::ENOSYS));
            assert_eq!(decide(Privilege::None, I386, 21, [0; 3]), errno(libc::EPERM));
            assert_eq!(decide(Privilege::None, I386, 3, [0; 3]), libc::SECCOMP_RET_ALLOW);
        }
        assert_eq!(decide(Privilege::None, 0x1234, 0, [0; 3]), errno(libc::ENOSYS));
    }

    #[test]
    fn tools_of_people_may_mount_but_not_type() {
        let mount = decide(Privilege::NamespaceRoot, NATIVE, libc::SYS_mount as u32, [0; 3]);
        assert_eq!(mount, libc::SECCOMP_RET_ALLOW);
        let ioctl = libc::SYS_ioctl as u32;
        let typing = decide(Privilege::NamespaceRoot, NATIVE, ioctl, [0, 0x5412, 0]);
        assert_eq!(typing, errno(libc::EPERM));
    }

    #[test]
    fn look_ups_are_asked_about_when_they_are_noted() {
        let program = program(Privilege::None, LookUps::Noted);
        let ask = libc::SECCOMP_RET_USER_NOTIF;
        let verdict = |call: libc::c_long, args| run(&program, NATIVE, call as u32, args);
        for (call, _) in traced::calls() {
            let verdict = run(&program, NATIVE, call, [0; 3]);
            assert_eq!(verdict, ask, "{call}");
        }
        assert_eq!(verdict(libc::SYS_read, [0; 3]), libc::SECCOMP_RET_ALLOW);
        // statx(3, "", AT_EMPTY_PATH) is fstat; from the working directory it may be a path.
        let empty = u64::from(traced::EMPTY_PATH);
        assert_eq!(verdict(libc::SYS_statx, [3, 0, empty]), libc::SECCOMP_RET_ALLOW);
        let here = libc::AT_FDCWD as u32;
        assert_eq!(verdict(libc::SYS_statx, [here.into(), 0, empty]), ask);
        assert_eq!(run(&program, NATIVE, traced::LATER, [0; 3]), errno(libc::ENOSYS));
        assert_eq!(run(&program, I386, 5, [0; 3]), errno(libc::ENOSYS));
        for call in REFUSED {
            assert_eq!(verdict(*call, [0; 3]), errno(libc::EPERM));
        }
    }
}
