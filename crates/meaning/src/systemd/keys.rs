//! What repeated keys of unit files do: systemd.unit(5), systemd.exec(5), systemd.service(5) and the
//! other manual pages of systemd 257.

/// What a key does that is there several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    /// The last one counts.
    Last,
    /// All of them, in their order.
    Lines,
    /// The words of all of them; their order says nothing.
    Words,
}

/// Keys whose words are collected: dependencies, capabilities, paths.
const WORDS: &[&str] = &[
    "After",
    "Before",
    "Wants",
    "Requires",
    "Requisite",
    "BindsTo",
    "PartOf",
    "Upholds",
    "Conflicts",
    "JoinsNamespaceOf",
    "OnFailure",
    "OnSuccess",
    "PropagatesReloadTo",
    "ReloadPropagatedFrom",
    "PropagatesStopTo",
    "StopPropagatedFrom",
    "RequiresMountsFor",
    "WantsMountsFor",
    "WantedBy",
    "RequiredBy",
    "UpheldBy",
    "Alias",
    "Also",
    "Documentation",
    "SupplementaryGroups",
    "CapabilityBoundingSet",
    "AmbientCapabilities",
    "ReadWritePaths",
    "ReadOnlyPaths",
    "InaccessiblePaths",
    "ExecPaths",
    "NoExecPaths",
    "RestrictAddressFamilies",
    "RestrictFileSystems",
    "SystemCallArchitectures",
    "PassEnvironment",
    "UnsetEnvironment",
    "Slice",
    "IPAddressAllow",
    "IPAddressDeny",
    "RuntimeDirectory",
    "StateDirectory",
    "CacheDirectory",
    "LogsDirectory",
    "ConfigurationDirectory",
    "SuccessExitStatus",
    "RestartPreventExitStatus",
    "RestartForceExitStatus",
    "Sockets",
    "DNS",
    "NTP",
    "FallbackDNS",
    "FallbackNTP",
    "Domains",
    "LogFilterPatterns",
    "RestrictNetworkInterfaces",
    "NFTSet",
    "DisableControllers",
    "Delegate",
];

/// Keys whose lines are collected.
const LINES: &[&str] = &[
    "ExecCondition",
    "ExecStartPre",
    "ExecStart",
    "ExecStartPost",
    "ExecReload",
    "ExecStop",
    "ExecStopPre",
    "ExecStopPost",
    "Environment",
    "EnvironmentFile",
    "SystemCallFilter",
    "SystemCallLog",
    "DeviceAllow",
    "BindPaths",
    "BindReadOnlyPaths",
    "MountImages",
    "ExtensionImages",
    "ExtensionDirectories",
    "TemporaryFileSystem",
    "LoadCredential",
    "LoadCredentialEncrypted",
    "ImportCredential",
    "SetCredential",
    "SetCredentialEncrypted",
    "LogExtraFields",
    "OpenFile",
    "ListenStream",
    "ListenDatagram",
    "ListenSequentialPacket",
    "ListenFIFO",
    "ListenSpecial",
    "ListenNetlink",
    "ListenMessageQueue",
    "ListenUSBFunction",
    "Symlinks",
    "OnActiveSec",
    "OnBootSec",
    "OnStartupSec",
    "OnUnitActiveSec",
    "OnUnitInactiveSec",
    "OnCalendar",
    "PathExists",
    "PathExistsGlob",
    "PathChanged",
    "PathModified",
    "DirectoryNotEmpty",
    "IODeviceWeight",
    "IOReadBandwidthMax",
    "IOWriteBandwidthMax",
    "IOReadIOPSMax",
    "IOWriteIOPSMax",
    "SocketBindAllow",
    "SocketBindDeny",
    "BPFProgram",
    "IPIngressFilterPath",
    "IPEgressFilterPath",
    "Address",
    "Gateway",
    "VLAN",
    "VXLAN",
    "Tunnel",
    "MACVLAN",
    "IPVLAN",
    "Name",
    "DefaultEnvironment",
    "ManagerEnvironment",
    "ListenTCP",
];

pub(super) fn repeated(key: &str) -> Repeated {
    if WORDS.contains(&key) {
        Repeated::Words
    } else if LINES.contains(&key) || key.starts_with("Condition") || key.starts_with("Assert") {
        Repeated::Lines
    } else {
        Repeated::Last
    }
}

/// Whether an empty assignment is a value of its own and not what holds where the key is missing: no
/// capability at all (systemd.exec(5)), delegation of no controller (systemd.resource-control(5)).
pub(super) fn is_set_by_nothing(key: &str) -> bool {
    matches!(key, "CapabilityBoundingSet" | "Delegate")
}

/// Sections of networkd that are one object each time they are there.
const OBJECTS: &[&str] = &[
    "Address",
    "Neighbor",
    "RoutingPolicyRule",
    "NextHop",
    "Route",
    "BridgeFDB",
    "BridgeMDB",
    "BridgeVLAN",
    "DHCPServerStaticLease",
    "IPv6Prefix",
    "IPv6RoutePrefix",
    "IPv6PREF64Prefix",
    "IPv6AddressLabel",
    "SR-IOV",
    "WireGuardPeer",
    "L2TPSession",
    "MACsecReceiveChannel",
    "MACsecReceiveAssociation",
    "MACsecTransmitAssociation",
    "Partition",
];

/// Whether a section that is repeated is another object each time.
pub(super) fn is_object(section: &str, path: &str) -> bool {
    let networkd =
        [".network", ".netdev"].iter().any(|end| path.trim_end_matches(".conf").ends_with(end));
    (networkd || path.contains(".network.d/") || path.contains(".netdev.d/"))
        && OBJECTS.contains(&section)
}
