//! `s3s-fs` as a store, corrected where it differs from S3 in ways that a writer notices.
//!
//! | | S3 | `s3s-fs` 0.14.1 |
//! |---|---|---|
//! | an upload that is not there (any more) | `NoSuchUpload` | `AccessDenied` |
//! | a key that is a prefix of others | `NoSuchKey` | an object, as it is a folder |
//! | a bucket that is not there, on `GET` | `NoSuchBucket` | `NoSuchKey` |
//! | two puts of one key, `If-None-Match` | one wins | both may: it looks, then writes |
//! | a list of uploads | has those that have not ended | there is none |
//! | a listing | has `ETag`s, times in whole seconds | no `ETag`s, times in nanoseconds |

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tokio::sync::Mutex;

/// A folder as a store of buckets.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
    inner: FileSystem,
    /// Held while an object is put.
    put: Mutex<()>,
    /// Bucket, key and time of each upload that has not ended, by its id.
    uploads: Mutex<BTreeMap<String, (String, String, SystemTime)>>,
}

impl Store {
    pub(super) fn new(root: &Path) -> Self {
        let inner = FileSystem::new(root).unwrap_or_else(|error| panic!("{}: {error:?}", root.display()));
        Self { root: root.to_owned(), inner, put: Mutex::default(), uploads: Mutex::default() }
    }

    fn check_object(&self, bucket: &str, key: &str) -> S3Result<()> {
        if !self.root.join(bucket).is_dir() {
            return Err(s3_error!(NoSuchBucket));
        }
        if self.root.join(bucket).join(key).is_file() { Ok(()) } else { Err(s3_error!(NoSuchKey)) }
    }

    fn check_upload(&self, upload_id: &str) -> S3Result<()> {
        let known = self.root.join(format!(".upload-{upload_id}.json")).is_file();
        if known { Ok(()) } else { Err(s3_error!(NoSuchUpload)) }
    }

    async fn e_tag(&self, request: &S3Request<ListObjectsV2Input>, key: &str) -> S3Result<Option<ETag>> {
        let input = HeadObjectInput {
            bucket: request.input.bucket.clone(),
            key: key.to_owned(),
            ..HeadObjectInput::default()
        };
        let head = self.inner.head_object(request.clone().map_input(|_| input)).await?;
        Ok(head.output.e_tag)
    }
}

fn whole_seconds(time: &Timestamp) -> S3Result<Timestamp> {
    let mut text = Vec::new();
    let format = TimestampFormat::HttpDate;
    time.format(format, &mut text).map_err(|error| s3_error!(error, InternalError))?;
    let text = String::from_utf8(text).map_err(|error| s3_error!(error, InternalError))?;
    Timestamp::parse(format, &text).map_err(|error| s3_error!(error, InternalError))
}

#[async_trait::async_trait]
impl S3 for Store {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.check_object(&request.input.bucket, &request.input.key)?;
        self.inner.get_object(request).await
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        self.check_object(&request.input.bucket, &request.input.key)?;
        self.inner.head_object(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let mut response = self.inner.list_objects_v2(request.clone()).await?;
        for object in response.output.contents.iter_mut().flatten() {
            object.last_modified = object.last_modified.as_ref().map(whole_seconds).transpose()?;
            if let Some(key) = &object.key {
                object.e_tag = self.e_tag(&request, key).await?;
            }
        }
        Ok(response)
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        if !self.root.join(&request.input.bucket).is_dir() {
            return Err(s3_error!(NoSuchBucket));
        }
        let _turn = self.put.lock().await;
        self.inner.put_object(request).await
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.inner.delete_object(request).await
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.inner.delete_objects(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        if !self.root.join(&request.input.bucket).is_dir() {
            return Err(s3_error!(NoSuchBucket));
        }
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let response = self.inner.create_multipart_upload(request).await?;
        if let Some(id) = &response.output.upload_id {
            self.uploads.lock().await.insert(id.clone(), (bucket, key, SystemTime::now()));
        }
        Ok(response)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let prefix = request.input.prefix.unwrap_or_default();
        let uploads = self.uploads.lock().await;
        let own = uploads
            .iter()
            .filter(|(_, (bucket, key, _))| *bucket == request.input.bucket && key.starts_with(&prefix));
        let listed = own.map(|(id, (_, key, initiated))| MultipartUpload {
            key: Some(key.clone()),
            upload_id: Some(id.clone()),
            initiated: Some((*initiated).into()),
            ..MultipartUpload::default()
        });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(request.input.bucket.clone()),
            is_truncated: Some(false),
            uploads: Some(listed.collect()),
            ..ListMultipartUploadsOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        self.check_upload(&request.input.upload_id)?;
        self.inner.upload_part(request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.check_upload(&request.input.upload_id)?;
        let id = request.input.upload_id.clone();
        let response = self.inner.complete_multipart_upload(request).await?;
        self.uploads.lock().await.remove(&id);
        Ok(response)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.check_upload(&request.input.upload_id)?;
        let id = request.input.upload_id.clone();
        let response = self.inner.abort_multipart_upload(request).await?;
        self.uploads.lock().await.remove(&id);
        Ok(response)
    }
}
