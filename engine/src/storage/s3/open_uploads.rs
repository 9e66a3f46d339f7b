//! The multipart uploads of a bucket that have not ended: a list that S3 gives and `object_store` does not ask for.

use super::super::{Location, error};
use crate::error::{Code, Error, Result};
use chrono::DateTime;
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody, HttpResponse};
use object_store::path::Path as ObjectPath;
use object_store::signer::Signer;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use url::Url;

/// How often a page is asked for before that counts as failed.
const ATTEMPTS: u32 = 5;
/// How long the first pause between two attempts is; each of the next is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The statuses of a store that has no such list, or does not show it to everyone.
const NO_LIST: [u16; 4] = [403, 404, 405, 501];

/// Where a bucket lists its uploads.
#[derive(Debug)]
pub(in crate::storage) struct OpenUploads {
    client: Arc<AmazonS3>,
    http: HttpClient,
}

/// An upload that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenUpload {
    pub(super) key: String,
    pub(super) upload_id: String,
    pub(super) initiated: SystemTime,
}

/// One page of the list, and the key and upload after which the next one begins.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    uploads: Vec<OpenUpload>,
    next: Option<(String, String)>,
}

impl OpenUploads {
    /// Asks with the credentials of `client`, through `http`.
    pub(in crate::storage) fn new(client: Arc<AmazonS3>, http: HttpClient) -> Self {
        Self { client, http }
    }

    /// The uploads of objects below `location`; `None` where the store does not say.
    ///
    /// **Errors**: those of the store.
    pub(super) async fn below(&self, location: &Location) -> Result<Option<Vec<OpenUpload>>> {
        let prefix = match location.object_path().as_ref() {
            "" => String::new(),
            path => format!("{path}/"),
        };
        let (mut uploads, mut after) = (Vec::new(), None);
        loop {
            let Some(page) = self.page(location, &prefix, after.as_ref()).await? else { return Ok(None) };
            uploads.extend(page.uploads);
            after = page.next;
            if after.is_none() {
                return Ok(Some(uploads));
            }
        }
    }

    async fn page(
        &self,
        location: &Location,
        prefix: &str,
        after: Option<&(String, String)>,
    ) -> Result<Option<Page>> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            match self.ask(prefix, after).await {
                Ok(Answer::Page(text)) => return parse(&text).map(Some),
                Ok(Answer::NoList(status)) => {
                    tracing::warn!(%location, status, "the store does not list uploads: only those in notes are found");
                    return Ok(None);
                }
                Err(failure) if attempt == ATTEMPTS => return Err(error(location, failure)),
                Err(failure) => tracing::debug!(%location, %failure, "asking for uploads again"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok(None)
    }

    async fn ask(&self, prefix: &str, after: Option<&(String, String)>) -> object_store::Result<Answer> {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        let (mut url, region) = self.bucket(&request).await?;
        url.query_pairs_mut().append_pair("uploads", "").append_pair("prefix", prefix);
        if let Some((key, upload_id)) = after {
            url.query_pairs_mut().append_pair("key-marker", key).append_pair("upload-id-marker", upload_id);
        }
        *request.uri_mut() = url.as_str().parse().map_err(failed)?;
        let credential = self.client.credentials().get_credential().await?;
        AwsAuthorizer::new(&credential, "s3", &region).authorize(&mut request, None);
        let response = self.http.execute(request).await.map_err(failed)?;
        let status = response.status();
        let text = text(response).await?;
        match status.as_u16() {
            _ if status.is_success() => Ok(Answer::Page(text)),
            status if NO_LIST.contains(&status) => Ok(Answer::NoList(status)),
            status => Err(failed(format!("status {status}: {text}"))),
        }
    }

    /// The bucket's own address and region, as the client has them: it keeps both to itself, but signs with them.
    async fn bucket(&self, request: &HttpRequest) -> object_store::Result<(Url, String)> {
        let (method, any, soon) = (request.method().clone(), ObjectPath::from("x"), Duration::from_secs(1));
        let signed = self.client.signed_url(method, &any, soon).await?;
        let scope = signed.query_pairs().find(|(name, _)| name == "X-Amz-Credential");
        let region = scope.and_then(|(_, scope)| scope.rsplit('/').nth(2).map(str::to_owned));
        let mut bucket = signed.clone();
        bucket.set_query(None);
        if let Ok(mut segments) = bucket.path_segments_mut() {
            segments.pop();
        }
        Ok((bucket, region.unwrap_or_default()))
    }
}

enum Answer {
    Page(String),
    NoList(u16),
}

async fn text(response: HttpResponse) -> object_store::Result<String> {
    let bytes = response.into_body().bytes().await.map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> object_store::Error {
    object_store::Error::Generic { store: "S3", source: source.into() }
}

/// Reads a `ListMultipartUploadsResult`.
fn parse(xml: &str) -> Result<Page> {
    let broken = |what: &str| Error::new(Code::StorageUnavailable, format!("a list of uploads has {what}"));
    if !xml.contains("<ListMultipartUploadsResult") {
        return Err(broken("another root element"));
    }
    let mut uploads = Vec::new();
    let mut rest = xml;
    while let Some((upload, after)) = element(rest, "Upload") {
        let part = |name: &str| element(upload, name).map(|(text, _)| unescape(text));
        let (Some(key), Some(upload_id), Some(initiated)) =
            (part("Key"), part("UploadId"), part("Initiated"))
        else {
            return Err(broken("an upload without key, id or time"));
        };
        let initiated = DateTime::parse_from_rfc3339(&initiated)
            .map_err(|error| broken("a time that is none").with_source(error))?;
        uploads.push(OpenUpload {
            key: key.into_owned(),
            upload_id: upload_id.into_owned(),
            initiated: initiated.into(),
        });
        rest = after;
    }
    let text = |name: &str| element(xml, name).map_or(Cow::Borrowed(""), |(text, _)| unescape(text));
    let next = (text("IsTruncated") == "true")
        .then(|| (text("NextKeyMarker").into_owned(), text("NextUploadIdMarker").into_owned()));
    Ok(Page { uploads, next })
}

/// What is in the first element of that name, and what comes after it.
fn element<'a>(xml: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>"))
}

/// Text without the escapes of XML.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        match after.split_once(';').and_then(|(name, after)| Some((entity(name)?, after))) {
            Some((character, after)) => {
                plain.push(character);
                rest = after;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample response of S3's API reference for `ListMultipartUploads`, shortened.
    const SAMPLE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">
  <Bucket>bucket</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker>
  <NextKeyMarker>my-movie.m2ts</NextKeyMarker><NextUploadIdMarker>YW55</NextUploadIdMarker>
  <MaxUploads>2</MaxUploads><IsTruncated>true</IsTruncated>
  <Upload><Key>a &amp; b &#x26; &#39;c&apos;</Key><UploadId>XMgb</UploadId>
    <Initiator><ID>arn</ID></Initiator><StorageClass>STANDARD</StorageClass>
    <Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>
  <Upload><Key>my-movie.m2ts</Key><UploadId>VXBs</UploadId><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>
</ListMultipartUploadsResult>";

    #[test]
    fn a_page_is_read_with_its_continuation() {
        let page = parse(SAMPLE).unwrap();
        let keys: Vec<&str> = page.uploads.iter().map(|upload| upload.key.as_str()).collect();
        assert_eq!(keys, ["a & b & 'c'", "my-movie.m2ts"]);
        assert_eq!(page.uploads[0].upload_id, "XMgb");
        // 2010-11-10T20:48:33Z
        assert_eq!(page.uploads[0].initiated, SystemTime::UNIX_EPOCH + Duration::from_secs(1_289_422_113));
        assert_eq!(page.next, Some(("my-movie.m2ts".to_owned(), "YW55".to_owned())));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", "<Error><Code>NoSuchBucket</Code></Error>", "<html></html>"] {
            assert_eq!(parse(text).unwrap_err().code(), Code::StorageUnavailable, "{text:?}");
        }
    }
}
