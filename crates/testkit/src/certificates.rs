//! Certificates for tests of TLS, fresh for each test: an authority, a server and a client.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::run;

const DAYS: &str = "2";

/// The files, in PEM; they are removed with the last clone.
#[derive(Debug, Clone)]
pub struct Certificates {
    folder: Arc<TempDir>,
}

impl Certificates {
    /// Makes new ones with the command `openssl`. Two of these do not trust each other.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("certificates-").tempdir()?;
        make_authority(folder.path())?;
        make_signed(
            folder.path(),
            "server",
            "subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n",
        )?;
        make_signed(folder.path(), "client", "extendedKeyUsage = clientAuth\n")?;
        Ok(Self { folder: Arc::new(folder) })
    }

    /// The certificate that vouches for the others.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.crt")
    }

    /// For `localhost` and 127.0.0.1.
    pub fn server_certificate(&self) -> PathBuf {
        self.folder.path().join("server.crt")
    }

    /// Its key.
    pub fn server_key(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }

    /// For a client that is asked who it is.
    pub fn client_certificate(&self) -> PathBuf {
        self.folder.path().join("client.crt")
    }

    /// Its key.
    pub fn client_key(&self) -> PathBuf {
        self.folder.path().join("client.key")
    }
}

fn make_authority(folder: &Path) -> Result<()> {
    make_key(folder, "authority")?;
    // Without a configuration of our own that of the machine would decide what goes in.
    let configuration = "[req]\ndistinguished_name = name\nx509_extensions = extensions\n[name]\n\
        [extensions]\nbasicConstraints = critical, CA:TRUE\n\
        keyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n";
    std::fs::write(folder.join("authority.cnf"), configuration)?;
    openssl(
        folder,
        &format!(
            "req -x509 -config authority.cnf -key authority.key -subj /CN=authority -days {DAYS} \
             -out authority.crt"
        ),
    )
}

fn make_signed(folder: &Path, name: &str, extensions: &str) -> Result<()> {
    make_key(folder, name)?;
    std::fs::write(
        folder.join(format!("{name}.cnf")),
        format!("basicConstraints = critical, CA:FALSE\n{extensions}"),
    )?;
    openssl(
        folder,
        &format!("req -new -config authority.cnf -key {name}.key -subj /CN={name} -out {name}.csr"),
    )?;
    openssl(
        folder,
        &format!(
            "x509 -req -in {name}.csr -CA authority.crt -CAkey authority.key -CAcreateserial \
             -days {DAYS} -extfile {name}.cnf -out {name}.crt"
        ),
    )
}

fn make_key(folder: &Path, name: &str) -> Result<()> {
    openssl(
        folder,
        &format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"),
    )
}

fn openssl(folder: &Path, arguments: &str) -> Result<()> {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let ran = run("openssl", folder, &arguments)?;
    ensure!(ran.code == Some(0), "openssl {}: {}", arguments[0], ran.stderr);
    Ok(())
}
