//! An authority, and what it signs: made anew for each test, on disk as PEM.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};

use crate::rig::Rig;

/// An authority whose certificate is `NAME.pem` in a rig.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub file: PathBuf,
}

impl Authority {
    pub fn new(rig: &Rig, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let file = rig.path(&format!("{name}.pem"));
        std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    /// A certificate for these names, and its key.
    pub fn sign(&self, rig: &Rig, name: &str, names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let write = |ending: &str, text: String| {
            let file = rig.path(&format!("{name}.{ending}"));
            std::fs::write(&file, text).unwrap();
            file.display().to_string()
        };
        (write("pem", cert.pem()), write("key", key.serialize_pem()))
    }

    pub fn path(&self) -> &str {
        self.file.to_str().unwrap()
    }
}
