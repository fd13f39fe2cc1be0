//! The ways to a driver besides a socket file: names, TCP, TLS with and without a client's
//! certificate, a token; and what is said when one of them is wrong.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use csi_stretch::client::{
    Client as _,
    channel::{self, Options, Tls},
    csi_v1::CsiV1,
    secrets::Secrets,
};
use csi_stretch_oracle::action::{Call, Rpc};

use crate::{
    certificates::Authority,
    rig::{Rig, expect_exit, free_tcp, stderr, stdout, wait_for},
};

/// A mock behind TLS, for `localhost` and `csi.example`.
fn tls_mock(rig: &Rig, authority: &Authority, args: &[&str]) -> crate::rig::Served {
    let (cert, key) = authority.sign(rig, "driver", &["localhost", "csi.example"]);
    let endpoint = free_tcp();
    rig.mock_at(&endpoint, &[&["--tls-cert", &cert, "--tls-key", &key], args].concat())
}

/// `tcp://localhost:PORT`, which is what the certificate is for.
fn by_name(served: &crate::rig::Served) -> String {
    served.endpoint().replace("127.0.0.1", "localhost")
}

const SMOKE: &[&str] = &["--reference", "off", "--label", "smoke"];

#[test]
fn a_run_over_an_abstract_socket() {
    let rig = Rig::new();
    let endpoint = format!("unix-abstract:csi-stretch-test-{}", std::process::id());
    let mock = rig.mock_at(&endpoint, &[]);
    expect_exit(rig.run(SMOKE).args(["--endpoint", &mock.endpoint()]), 0);
    let short = endpoint.replace("unix-abstract:", "unix:@");
    expect_exit(&mut rig.command(&["rpc", "Probe", "-e", &short]), 0);
}

#[test]
fn a_run_over_tls_with_both_certificates() {
    let rig = Rig::new();
    let authority = Authority::new(&rig, "authority");
    let mock = tls_mock(&rig, &authority, &["--tls-client-ca", authority.path()]);
    let (cert, key) = authority.sign(&rig, "client", &["me"]);
    let endpoint = by_name(&mock);
    let tls = ["--tls-ca", authority.path(), "--tls-cert", &cert, "--tls-key", &key];
    expect_exit(rig.run(SMOKE).args(["--endpoint", &endpoint]).args(tls), 0);

    let profile = format!(
        "endpoint: {endpoint}\ntransport:\n  tls: {{ ca: {}, cert: {cert}, key: {key} }}\n",
        authority.path()
    );
    std::fs::write(rig.path("profile.yaml"), profile).unwrap();
    expect_exit(rig.run(SMOKE).args(["--target", "profile.yaml"]), 0);
    let init = ["init", "--endpoint", &endpoint];
    expect_exit(rig.command(&init).args(tls), 0);
}

#[test]
fn tls_that_does_not_agree_is_exit_3_and_says_what_to_look_at() {
    let rig = Rig::new();
    let authority = Authority::new(&rig, "authority");
    let stranger = Authority::new(&rig, "stranger");
    let plain = rig.mock_at(&free_tcp(), &[]);
    let rig_of_tls = Rig::new();
    let mock = tls_mock(&rig_of_tls, &authority, &["--tls-client-ca", authority.path()]);
    let (cert, key) = authority.sign(&rig, "client", &["me"]);
    let (odd_cert, odd_key) = stranger.sign(&rig, "odd", &["me"]);
    let ca = ["--tls-ca", authority.path()];
    let mine = ["--tls-cert", &cert, "--tls-key", &key];
    let odd = ["--tls-cert", &odd_cert, "--tls-key", &odd_key];
    let wrong_ca = ["--tls-ca", stranger.path()];
    let other_name = ["--tls-server-name", "other.example"];
    // Without a certificate the connection may break before the driver's reason is read: the words
    // looked for are in either sentence.
    let cases: [(&str, String, Vec<&str>, &str); 6] = [
        ("wrong authority", by_name(&mock), [&wrong_ca[..], &mine].concat(), "--tls-ca has to be"),
        ("wrong name", by_name(&mock), [&ca[..], &mine, &other_name].concat(), "--tls-server-name"),
        ("no certificate", by_name(&mock), ca.to_vec(), "--tls-cert and --tls-key"),
        ("another's certificate", by_name(&mock), [&ca[..], &odd].concat(), "connection failed"),
        ("no TLS here", by_name(&mock), Vec::new(), "TLS (--tls-ca)"),
        ("no TLS there", plain.endpoint(), ca.to_vec(), "does the driver speak TLS there?"),
    ];
    for (what, endpoint, args, words) in cases {
        let line = ["--endpoint", &endpoint, "--connect-timeout", "3s"];
        let output = expect_exit(rig.run(SMOKE).args(line).args(&args), 3);
        let said = stderr(&output);
        assert!(said.contains(words), "{what}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{what}: {said}");
    }
    let named = [&ca[..], &mine, &["--tls-server-name", "csi.example"]].concat();
    let endpoint = mock.endpoint();
    expect_exit(rig.command(&["rpc", "Probe", "-e", &endpoint]).args(named), 0);
}

#[rstest::rstest]
#[case(&["--endpoint", "unix:///s", "--tls-ca", "{ca}"], "TLS is for tcp")]
#[case(&["--endpoint", "exec:true", "--tls-ca", "{ca}"], "TLS is for tcp")]
#[case(&["--endpoint", "tcp://h:1", "--tls-server-name", "n"], "--tls-ca")]
#[case(&["--endpoint", "tcp://h:1", "--tls-ca", "/nowhere"], "cannot read /nowhere")]
#[case(&["--endpoint", "tcp://h:1", "--tls-ca", "{ca}", "--tls-cert", "{ca}"], "needs its `key`")]
#[case(&["--endpoint", "tcp://h:1", "--bearer-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE")]
#[case(&["--endpoint", "tcp://h:1", "--bearer-file", "{token}"], "in the open")]
#[case(&["--endpoint", "npipe:////./pipe/csi"], "Windows")]
fn what_cannot_be_is_exit_2(#[case] args: &[&str], #[case] words: &str) {
    let rig = Rig::new();
    let authority = Authority::new(&rig, "authority");
    let token = rig.path("token");
    std::fs::write(&token, "hunter2").unwrap();
    let fill = |word: &&str| {
        word.replace("{ca}", authority.path()).replace("{token}", token.to_str().unwrap())
    };
    let args: Vec<String> = args.iter().map(fill).collect();
    let output = expect_exit(rig.run(SMOKE).args(args), 2);
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
}

#[test]
fn a_message_longer_than_allowed_is_not_read() {
    let rig = Rig::new();
    let mock = rig.mock(&[]);
    let endpoint = mock.endpoint();
    let args = ["rpc", "GetPluginInfo", "-e", &endpoint, "--message-max", "8"];
    let output = expect_exit(&mut rig.command(&args), 3);
    assert!(stderr(&output).contains("the limit is: 8 bytes"), "{}", stderr(&output));
}

/// The same connection, after the driver was killed and started again at the same address.
#[test]
fn a_driver_that_comes_back_behind_tls_is_found_again() {
    let rig = Rig::new();
    let authority = Authority::new(&rig, "authority");
    let (cert, key) = authority.sign(&rig, "driver", &["localhost"]);
    let endpoint = free_tcp();
    let args = ["--tls-cert", &cert, "--tls-key", &key];
    let tls =
        Tls { ca: std::fs::read(&authority.file).unwrap(), identity: None, server_name: None };
    let keep_alive = Some(Duration::from_secs(1));
    let options = Options { tls: Some(tls), keep_alive, ..Options::default() };
    let mock = rig.mock_at(&endpoint, &args);
    let limit = Duration::from_secs(5);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(async {
        let connection = channel::connect(&by_name(&mock), &options, limit).await.unwrap();
        CsiV1::new(connection, Secrets::default())
    });
    let probe = || runtime.block_on(client.call(&Call::new(Rpc::Probe), limit));
    assert!(probe().reply().is_some());
    drop(mock);
    assert!(probe().reply().is_none(), "nobody is there");
    let _again = rig.mock_at(&endpoint, &args);
    wait_for("an answer over the old connection", || probe().reply().is_some());
}

/// A driver that repeats the token it was sent.
#[test]
fn a_token_goes_with_every_call_and_comes_back_nowhere() {
    let rig = Rig::new();
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let endpoint = runtime.block_on(parrot::serve(seen.clone()));
    std::fs::write(rig.path("token"), "canary-token-x7\n").unwrap();

    let args = ["--endpoint", &endpoint, "--bearer-file", "token", "--connect-timeout", "2s"];
    let output = expect_exit(rig.run(SMOKE).args(args), 3);
    let rpc = ["rpc", "GetPluginInfo", "-e", &endpoint, "--bearer-env", "TOKEN", "-m", "a-b=c,d=e"];
    let asked = expect_exit(rig.command(&rpc).env("TOKEN", "canary-token-x7"), 64 + 16);
    for text in [stdout(&output), stderr(&output), stdout(&asked), stderr(&asked)] {
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(stderr(&asked).contains("[redacted]"), "{}", stderr(&asked));
    for file in
        crate::rig::entries(&rig.path("out")).iter().flat_map(|run| crate::rig::entries(run))
    {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains("canary"), "{} holds the token", file.display());
    }
    let seen = seen.lock().unwrap();
    let all: Vec<&str> = seen.iter().map(String::as_str).collect();
    assert_eq!(all, ["Bearer canary-token-x7 - -", "Bearer canary-token-x7 c e"]);
}

mod parrot {
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
    };

    use csi_stretch_proto::csi::v1::{
        self as csi,
        identity_server::{Identity, IdentityServer},
    };
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::{Request, Response, Status, async_trait, metadata::MetadataMap};

    pub type Seen = Arc<Mutex<BTreeSet<String>>>;

    pub async fn serve(seen: Seen) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let router =
            tonic::transport::Server::builder().add_service(IdentityServer::new(Parrot(seen)));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        endpoint
    }

    struct Parrot(Seen);

    impl Parrot {
        fn refuse(&self, metadata: &MetadataMap) -> Status {
            let of = |name: &str| {
                let value = metadata.get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or("-").to_owned()
            };
            let token = of("authorization");
            self.0.lock().unwrap().insert(format!("{token} {} {}", of("a-b"), of("d")));
            Status::unauthenticated(format!("`{token}` is not known"))
        }
    }

    #[async_trait]
    impl Identity for Parrot {
        async fn get_plugin_info(
            &self,
            request: Request<csi::GetPluginInfoRequest>,
        ) -> Result<Response<csi::GetPluginInfoResponse>, Status> {
            Err(self.refuse(request.metadata()))
        }

        async fn get_plugin_capabilities(
            &self,
            request: Request<csi::GetPluginCapabilitiesRequest>,
        ) -> Result<Response<csi::GetPluginCapabilitiesResponse>, Status> {
            Err(self.refuse(request.metadata()))
        }

        async fn probe(
            &self,
            request: Request<csi::ProbeRequest>,
        ) -> Result<Response<csi::ProbeResponse>, Status> {
            Err(self.refuse(request.metadata()))
        }
    }
}
