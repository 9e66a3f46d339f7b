//! Credentials that are there soon or fail clearly.

use async_trait::async_trait;
use object_store::aws::{AwsCredential, AwsCredentialProvider};
use object_store::{CredentialProvider, Error, Result};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `object_store` renews credentials five minutes before they expire; one minute is left for requests on their way.
const USABLE_AFTER_FAILED_RENEWAL: Duration = Duration::from_mins(4);

/// Gives what `inner` gives, and when that fails says so as [`Error::Unauthenticated`].
///
/// When renewing fails, the credentials of before are used for the minutes that they are still valid: one answer
/// that is late does not end a job.
#[derive(Debug)]
pub(super) struct BoundedCredentials {
    inner: AwsCredentialProvider,
    limit: Option<Duration>,
    last: Mutex<Option<Last>>,
}

#[derive(Debug)]
struct Last {
    credential: Arc<AwsCredential>,
    failing_since: Option<Instant>,
}

impl BoundedCredentials {
    /// `limit` bounds the time one call takes; where there is no instance metadata service, its address may not
    /// even refuse a connection.
    pub(super) fn new(inner: AwsCredentialProvider, limit: Option<Duration>) -> Self {
        Self { inner, limit, last: Mutex::new(None) }
    }

    async fn fetch(&self) -> Result<Arc<AwsCredential>> {
        let Some(limit) = self.limit else {
            return self.inner.get_credential().await;
        };
        match tokio::time::timeout(limit, self.inner.get_credential()).await {
            Ok(result) => result,
            Err(elapsed) => Err(Error::Generic { store: "S3", source: Box::new(elapsed) }),
        }
    }

    fn remember(&self, credential: &Arc<AwsCredential>) {
        *self.last.lock() = Some(Last { credential: Arc::clone(credential), failing_since: None });
    }

    fn still_usable(&self) -> Option<Arc<AwsCredential>> {
        let mut last = self.last.lock();
        let last = last.as_mut()?;
        let since = *last.failing_since.get_or_insert_with(Instant::now);
        (since.elapsed() < USABLE_AFTER_FAILED_RENEWAL).then(|| Arc::clone(&last.credential))
    }
}

#[async_trait]
impl CredentialProvider for BoundedCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let error = match self.fetch().await {
            Ok(credential) => {
                self.remember(&credential);
                return Ok(credential);
            }
            Err(error) => error,
        };
        if let Some(credential) = self.still_usable() {
            tracing::warn!(%error, "could not renew AWS credentials; using the ones of before");
            return Ok(credential);
        }
        let source = match self.limit {
            Some(limit) => format!(
                "none are configured, and the instance metadata service gave none within {} s",
                limit.as_secs()
            ),
            None => format!("the configured source gave none ({error})"),
        };
        Err(Error::Unauthenticated { path: String::new(), source: source.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Gives credentials for the first calls, then never answers.
    #[derive(Debug)]
    struct Answers(AtomicUsize);

    #[async_trait]
    impl CredentialProvider for Answers {
        type Credential = AwsCredential;

        async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
            if self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
            {
                std::future::pending::<()>().await;
            }
            Ok(Arc::new(AwsCredential { key_id: "id".into(), secret_key: "s".into(), token: None }))
        }
    }

    fn answering(times: usize) -> BoundedCredentials {
        BoundedCredentials::new(Arc::new(Answers(AtomicUsize::new(times))), Some(Duration::from_millis(5)))
    }

    #[tokio::test]
    async fn a_metadata_service_that_does_not_answer_is_given_up() {
        let error = answering(0).get_credential().await.unwrap_err();
        assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
    }

    #[tokio::test]
    async fn credentials_outlive_a_renewal_that_fails() {
        let credentials = answering(1);
        assert_eq!(credentials.get_credential().await.unwrap().key_id, "id");
        assert_eq!(credentials.get_credential().await.unwrap().key_id, "id");
    }
}
