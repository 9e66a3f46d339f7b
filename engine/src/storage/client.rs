//! One S3 client for one bucket, from the configuration and the AWS environment.

use super::credentials::BoundedCredentials;
use crate::config::S3Config;
use crate::error::{Code, Error, Result};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, S3ConditionalPut};
use object_store::client::{HttpClient, HttpConnector, ReqwestConnector};
use object_store::{ClientConfigKey, ClientOptions, RetryConfig, StaticCredentialProvider};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long the instance metadata service is waited for; on an instance it answers within milliseconds.
const METADATA_LIMIT: Duration = Duration::from_secs(5);

/// Makes the HTTP client of an S3 client, and keeps it for requests that the S3 client has no method for.
#[derive(Debug, Default, Clone)]
struct KeptHttp(Arc<Mutex<Option<HttpClient>>>);

impl HttpConnector for KeptHttp {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let http = ReqwestConnector::default().connect(options)?;
        // The last one made is the one for the bucket: those for credentials come before it.
        *self.0.lock() = Some(http.clone());
        Ok(http)
    }
}

/// The client of `bucket`, and the HTTP client in it. Nothing is connected yet.
///
/// # Errors
/// `BadConfiguration`: the settings of `[s3]` or the `AWS_*` variables do not fit together.
pub(super) fn connect(config: &S3Config, bucket: &str) -> Result<(AmazonS3, Option<HttpClient>)> {
    let http = KeptHttp::default();
    let mut builder = AmazonS3Builder::from_env()
        .with_http_connector(http.clone())
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(RetryConfig {
            max_retries: config.max_retries,
            retry_timeout: config.retry_timeout,
            ..RetryConfig::default()
        })
        .with_config(client(ClientConfigKey::Timeout), milliseconds(config.request_timeout))
        .with_config(client(ClientConfigKey::ConnectTimeout), milliseconds(config.connect_timeout));
    if let Some(region) = &config.region {
        builder = builder.with_region(region);
    }
    builder = with_endpoint(builder, config, bucket)?;
    let client = with_credentials(builder, config, bucket)?;
    let http = http.0.lock().take();
    Ok((client, http))
}

fn client(key: ClientConfigKey) -> AmazonS3ConfigKey {
    AmazonS3ConfigKey::Client(key)
}

/// Set as text on top of what the environment says about the client (proxies, certificates), which a fresh
/// `ClientOptions` would forget.
fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

fn with_endpoint(builder: AmazonS3Builder, config: &S3Config, bucket: &str) -> Result<AmazonS3Builder> {
    let from_environment = |key| builder.get_config_value(&key).filter(|value| !value.is_empty());
    let endpoint = config
        .endpoint
        .clone()
        .or_else(|| from_environment(AmazonS3ConfigKey::S3Endpoint))
        .or_else(|| from_environment(AmazonS3ConfigKey::Endpoint));
    let virtual_hosted =
        from_environment(AmazonS3ConfigKey::VirtualHostedStyleRequest).as_deref() == Some("true");
    // A bucket name with dots does not match the wildcard in the certificate of Amazon's host names.
    let path_style =
        config.path_style.unwrap_or(!virtual_hosted && (endpoint.is_some() || bucket.contains('.')));
    let mut builder = builder.with_virtual_hosted_style_request(!path_style);
    let Some(endpoint) = endpoint else {
        return Ok(match config.allow_http {
            Some(allow) => builder.with_allow_http(allow),
            None => builder,
        });
    };
    if config.allow_http.is_some() || endpoint.starts_with("http://") {
        builder = builder.with_allow_http(config.allow_http.unwrap_or(true));
    }
    let endpoint = if path_style { endpoint } else { bucket_host(&endpoint, bucket)? };
    // The service's own endpoint, because that one wins over the general one.
    Ok(builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint))
}

/// `https://host` as `https://bucket.host`: with virtual hosts `object_store` takes the endpoint as it is.
fn bucket_host(endpoint: &str, bucket: &str) -> Result<String> {
    let bad = || Error::new(Code::BadConfiguration, format!("cannot use {endpoint:?} as the endpoint of S3"));
    let mut url = Url::parse(endpoint).map_err(|error| bad().with_source(error))?;
    let host = url.host_str().ok_or_else(bad)?;
    if !host.starts_with(&format!("{bucket}.")) {
        let host = format!("{bucket}.{host}");
        url.set_host(Some(&host)).map_err(|error| bad().with_source(error))?;
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn with_credentials(builder: AmazonS3Builder, config: &S3Config, bucket: &str) -> Result<AmazonS3> {
    let build = |builder: AmazonS3Builder| {
        builder.build().map_err(|error| {
            Error::new(Code::BadConfiguration, format!("cannot set up S3 for the bucket {bucket:?}: {error}"))
                .with_hint("check [s3] in the configuration and the AWS_* environment variables")
                .with_source(error)
        })
    };
    if config.anonymous {
        return build(builder.with_skip_signature(true));
    }
    if let (Some(key_id), Some(secret)) = (&config.access_key_id, &config.secret_access_key) {
        // As one value: key and secret of the configuration never meet a session token of the environment.
        let credential = AwsCredential {
            key_id: key_id.clone(),
            secret_key: secret.reveal().to_owned(),
            token: config.session_token.as_ref().map(|token| token.reveal().to_owned()),
        };
        return build(builder.with_credentials(Arc::new(StaticCredentialProvider::new(credential))));
    }
    let has = |key| builder.get_config_value(&key).is_some_and(|value| !value.is_empty());
    if has(AmazonS3ConfigKey::AccessKeyId) || has(AmazonS3ConfigKey::SecretAccessKey) {
        return build(builder);
    }
    // In the order of `AmazonS3Builder::build`; what is left there is the instance metadata service.
    let configured = (has(AmazonS3ConfigKey::WebIdentityTokenFile) && has(AmazonS3ConfigKey::RoleArn))
        || has(AmazonS3ConfigKey::ContainerCredentialsRelativeUri)
        || (has(AmazonS3ConfigKey::ContainerCredentialsFullUri)
            && has(AmazonS3ConfigKey::ContainerAuthorizationTokenFile));
    let found = Arc::clone(build(builder.clone())?.credentials());
    let limit = (!configured).then_some(METADATA_LIMIT);
    build(builder.with_credentials(Arc::new(BoundedCredentials::new(found, limit))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_host_puts_the_bucket_before_the_host() {
        let table = [
            ("https://s3.example.com", "https://b.s3.example.com"),
            ("http://localhost:9000/", "http://b.localhost:9000"),
            ("https://b.s3.example.com", "https://b.s3.example.com"),
        ];
        for (endpoint, expected) in table {
            assert_eq!(bucket_host(endpoint, "b").unwrap(), expected);
        }
    }

    #[test]
    fn fixed_credentials_come_as_they_are() {
        let config = S3Config {
            endpoint: Some("http://localhost:1".to_owned()),
            access_key_id: Some("id".to_owned()),
            secret_access_key: Some(crate::config::Secret::new("secret")),
            ..S3Config::default()
        };
        let (client, _) = connect(&config, "b").unwrap();
        assert!(!format!("{client:?}").contains("secret\""), "a secret is shown");
        let credential = futures::executor::block_on(client.credentials().get_credential()).unwrap();
        assert_eq!((credential.key_id.as_str(), credential.token.as_deref()), ("id", None));
    }
}
