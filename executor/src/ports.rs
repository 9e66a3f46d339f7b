//! Which address and ports the executor listens on.
//!
//! Ballista wants an IP address and concrete ports before it starts: the scheduler is told them at registration.

use gristmill_engine::config::ExecutorConfig;
use gristmill_engine::{Code, Error, Result};
use std::net::{IpAddr, SocketAddr, TcpListener};

/// A concrete address and two concrete ports of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) address: IpAddr,
    pub(crate) data: u16,
    pub(crate) control: u16,
}

impl Ports {
    /// The ports of the configuration; a 0 becomes a port that is free now.
    ///
    /// # Errors
    /// `BadConfiguration`: the host has no address, or no port of it can be had.
    pub(crate) async fn choose(config: &ExecutorConfig) -> Result<Self> {
        let address = resolve(&config.bind_host).await?;
        Ok(Self {
            address,
            data: free_port(address, config.port)?,
            control: free_port(address, config.control_port)?,
        })
    }

    /// The address as the host part of a URL.
    pub(crate) fn url_host(self) -> String {
        match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        }
    }
}

async fn resolve(host: &str) -> Result<IpAddr> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, 0))
        .await
        .map_err(|error| cannot_listen(host, 0).with_source(error))?
        .collect();
    let version_4 = addresses.iter().find(|address| address.is_ipv4());
    version_4.or(addresses.first()).map(SocketAddr::ip).ok_or_else(|| cannot_listen(host, 0))
}

fn free_port(address: IpAddr, port: u16) -> Result<u16> {
    let listener = TcpListener::bind((address, port))
        .map_err(|error| cannot_listen(&address.to_string(), port).context(&error).with_source(error))?;
    let bound = listener.local_addr().map_err(|error| Error::from_io(error, address))?;
    Ok(bound.port())
}

fn cannot_listen(host: &str, port: u16) -> Error {
    Error::new(Code::BadConfiguration, format!("cannot listen on \"{host}\", port {port}"))
        .with_hint("set executor.bind_host to an address of this machine, and the ports to free ones or 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(port: u16) -> ExecutorConfig {
        ExecutorConfig {
            bind_host: "localhost".to_owned(),
            port,
            control_port: 0,
            ..ExecutorConfig::default()
        }
    }

    #[tokio::test]
    async fn port_zero_becomes_a_concrete_port() {
        let ports = Ports::choose(&config(0)).await.unwrap();
        assert!(ports.address.is_loopback() && ports.data > 0 && ports.control > 0);
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_names_it() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Ports::choose(&config(port)).await.unwrap_err();
        assert_eq!(error.code(), Code::BadConfiguration);
        assert!(error.message().contains(&port.to_string()), "{error}");
    }
}
