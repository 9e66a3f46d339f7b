use super::{Code, Error};
use datafusion::error::DataFusionError;

#[test]
fn a_framed_error_comes_back_as_itself_inside_other_text() {
    let error =
        Error::new(Code::UnknownTargetColumn, "unknown column \"a\u{1}b\" in LABEL").with_hint("try \"c\"");
    let text = format!("Job failed: Execution error: {} (stage 3)", error.frame());
    let back = Error::unframe(&text).unwrap();
    assert_eq!((back.code(), back.message(), back.hint()), (error.code(), error.message(), error.hint()));
}

#[test]
fn one_of_ours_survives_being_wrapped_by_datafusion() {
    let own = Error::new(Code::LocationNotEmpty, "taken");
    let wrapped = DataFusionError::from(own).context("while planning").context("again");
    assert_eq!(Error::from_datafusion(wrapped).code(), Code::LocationNotEmpty);
}

#[test]
fn a_full_disk_is_resources_exhausted() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    assert_eq!(Error::from_datafusion(DataFusionError::IoError(full)).code(), Code::ResourcesExhausted);
}

#[test]
fn every_code_has_a_help_page() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for code in Code::ALL {
        assert!(root.join(code.help()).is_file(), "{code} has no page at {}", code.help());
    }
}
