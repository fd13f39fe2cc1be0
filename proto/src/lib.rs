//! The wire: CSI as Rust types, the mock's control protocol, and the clause catalogue as text.
//!
//! Knows nothing of scenarios, checks or drivers. `DESCRIPTORS` is the compiled description of
//! both protocols; a logger uses it to find the fields marked `csi_secret`.

/// The Container Storage Interface.
pub mod csi {
    /// CSI 0.2 and 0.3, with the growth of 2018. Types that are the same on the wire are `v1`'s.
    #[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]
    pub mod v0 {
        tonic::include_proto!("csi.v0");
    }

    /// CSI 1.12.
    #[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]
    pub mod v1 {
        tonic::include_proto!("csi.v1");
    }
}

/// The truth about the mock's simulated node (see `control/v1/control.proto`).
pub mod control {
    /// Version 1.
    #[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]
    pub mod v1 {
        tonic::include_proto!("csi_stretch.control.v1");
    }
}

/// Messages of csi.v0 that have csi.v1's Rust types.
pub const SHARED: &[&str] = &include!("../shared.rs");

/// The encoded `FileDescriptorSet` of every protocol in this crate.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The clause catalogue: `(file stem, YAML text)`, one file per RPC, sorted by name.
pub const CLAUSES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/clauses.rs"));
