//! The command line of `csi-stretch mock`.

use std::path::PathBuf;

use crate::{
    defect::Defect,
    profile::{Profile, ProfileError},
    server::{BackingKind, Dialect, Options},
    tls::Tls,
};

/// Options of the reference driver.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where to listen: unix:///path, unix:path, unix-abstract:NAME or tcp://host:port
    #[arg(long, value_name = "ENDPOINT", env = "CSI_ENDPOINT")]
    pub listen: String,

    /// Certificate chain (PEM) to speak TLS with, on tcp://
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Authority (PEM) that has to have signed the certificate of every client
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_client_ca: Option<PathBuf>,

    /// Folder for records and volumes; a driver started on it again finds its volumes
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,

    /// What volumes are made of; without it, memory
    #[arg(long, value_enum, default_value_t = BackingKind::Memory)]
    pub backing: BackingKind,

    /// The CSI that it speaks
    #[arg(long, value_enum, default_value_t = Dialect::V1)]
    pub dialect: Dialect,

    /// YAML file that says what the driver declares and how it behaves; without it, it offers all
    /// it can do
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,

    /// Id of the node, in place of the profile's
    #[arg(long, value_name = "ID")]
    pub node_id: Option<String>,

    /// Remove everything the driver made (mounts, loop devices, files) when it ends
    #[arg(long)]
    pub remove_on_exit: bool,

    /// Do one thing wrong, on purpose; `csi-stretch list defects` names them
    #[arg(long, value_name = "NAME", value_parser = Defect::named)]
    pub defect: Option<&'static Defect>,
}

impl Args {
    /// Reads the profile and puts the options together.
    pub fn into_options(self) -> Result<Options, ProfileError> {
        let mut profile = self.profile.as_deref().map_or(Ok(Profile::default()), Profile::load)?;
        if let Some(node_id) = self.node_id {
            profile.node_id = node_id;
            profile.check()?;
        }
        let client_ca = self.tls_client_ca;
        let files = self.tls_cert.zip(self.tls_key);
        Ok(Options {
            listen: self.listen,
            tls: files.map(|(cert, key)| Tls { cert, key, client_ca }),
            state_dir: self.state_dir,
            backing: self.backing,
            dialect: self.dialect,
            profile,
            remove_on_exit: self.remove_on_exit,
            defect: self.defect,
        })
    }
}
