//! `csi-stretch init`: a draft of a target profile. Asks the driver what it declares, makes no
//! volume, and says of every other line that it is a guess.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    outcome::{Failure, Outcome, print},
    transport,
};
use crate::{
    client::{channel::Options, secrets::Secrets},
    runner::session::{Opening, Session},
    target::{Endpoint, Profile, endpoint},
};

mod draft;

use draft::draft;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// unix:///path, tcp://host:port, exec:COMMAND, or flex:/path of a FlexVolume driver.
    #[arg(long, short, env = "CSI_ENDPOINT", value_name = "ENDPOINT")]
    endpoint: String,
    /// Controller service, if it listens elsewhere.
    #[arg(long, value_name = "ENDPOINT")]
    controller_endpoint: Option<String>,
    #[command(flatten)]
    transport: transport::Args,
    /// Write to this file instead of standard output; an existing one is left alone.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Longest wait for a connection, and for each answer.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    connect_timeout: Duration,
}

pub fn main(args: &Args) -> Outcome {
    if let Some(path) = args.output.as_ref().filter(|path| path.exists()) {
        return Err(in_the_way(path));
    }
    let endpoint = Endpoint::parse(&args.endpoint).map_err(Failure::usage)?;
    let controller = args.controller_endpoint.as_ref().map(|text| Endpoint::parse(text));
    let controller = controller.transpose().map_err(Failure::usage)?;
    let options = args.transport.load()?;
    endpoint::check([Some(&endpoint), controller.as_ref()].into_iter().flatten(), &options)
        .map_err(Failure::usage)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    let text = runtime.block_on(ask(args, endpoint, controller, options))?;
    match &args.output {
        None => print(&text),
        Some(path) => {
            write_new(path, &text)?;
            print(&format!(
                "{} is a draft: read it, then `csi-stretch run --target {0}`\n",
                path.display()
            ))
        }
    }
}

async fn ask(
    args: &Args,
    endpoint: Endpoint,
    controller_endpoint: Option<Endpoint>,
    options: Options,
) -> Result<String, Failure> {
    let dir =
        tempfile::Builder::new().prefix("csi-stretch-init-").tempdir().map_err(Failure::lab)?;
    let secrets = Secrets::default().hiding(options.bearer.as_deref());
    let opening = Opening {
        endpoint,
        shown: None,
        controller_endpoint,
        options,
        profile: Profile::default(),
        secrets,
        connect_timeout: args.connect_timeout,
        deadline: args.connect_timeout,
        dir: dir.path().to_owned(),
        run_id: "init".to_owned(),
        log: dir.path().join("driver.log"),
    };
    let session = Session::open(&opening).await.map_err(Failure::lab)?;
    session.close().await;
    Ok(draft(&args.endpoint, args.controller_endpoint.as_deref(), &session))
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => in_the_way(path),
        _ => Failure::report(format!("cannot write {}: {error}", path.display())),
    })
}

fn in_the_way(path: &Path) -> Failure {
    let path = path.display();
    Failure::usage(format!("{path} is there already; choose another --output, or remove it"))
}
