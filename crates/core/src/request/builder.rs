//! The builder of a request.

use http::HeaderName;
use serde::Serialize;

use crate::body::{Body, Part};
use crate::field_mask::{self, FieldMask, MaskPlace, MaskRule, PendingMask};
use crate::operation::{JsonObject, OperationInfo, Payload, RequestContext, RequestParts};
use crate::{Error, ErrorKind, Result};

/// Puts a body in the place of the one that the request was made with.
#[doc(hidden)]
pub fn put_body(mut parts: RequestParts, content: Body) -> RequestParts {
    match &mut parts.payload {
        Payload::Body { body, .. } => *body = content,
        Payload::Multipart(form) => {
            // The stream is written last.
            if let Some(part) = form.last_mut() {
                part.body = content;
            }
        }
        Payload::None | Payload::Json(_) => {}
    }
    parts
}

/// Builds the request of a generated operation, input by input; the first thing that cannot be sent is what
/// [`build`](Self::build) reports.
///
/// Methods for optional inputs do nothing when the input is unset.
#[derive(Debug)]
pub struct RequestBuilder {
    parts: Result<RequestParts>,
    object: Option<JsonObject>,
    form: Vec<Part>,
    rule: Option<MaskRule>,
    mask: Option<PendingMask>,
}

impl RequestBuilder {
    /// Starts the request of this operation.
    pub fn new(info: &'static OperationInfo, context: &RequestContext) -> Self {
        Self { parts: RequestParts::new(info, context), object: None, form: Vec::new(), rule: None, mask: None }
    }

    /// A path parameter that is one segment.
    #[must_use]
    pub fn path(self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Self {
        self.and(|parts| parts.path_param(name, value))
    }

    /// A path parameter that may span segments.
    #[must_use]
    pub fn segments(self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Self {
        self.and(|parts| parts.multi_segment_param(name, value))
    }

    /// A query parameter, optional or not.
    #[must_use]
    pub fn query(self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.and(|parts| parts.query(name, value))
    }

    /// A query parameter that is always the same.
    #[must_use]
    pub fn constant(self, name: &str, value: &str) -> Self {
        self.and(|parts| parts.query(name, value))
    }

    /// A required header.
    #[must_use]
    pub fn header(self, name: &'static str, value: &str) -> Self {
        self.and(|parts| parts.header(HeaderName::from_static(name), Some(value)))
    }

    /// An optional header.
    #[must_use]
    pub fn header_optional(self, name: &'static str, value: &Option<String>) -> Self {
        self.and(|parts| parts.header(HeaderName::from_static(name), value.as_deref()))
    }

    /// Sends a JSON object, `{}` unless members follow.
    #[must_use]
    pub fn object(mut self) -> Self {
        if let Ok(parts) = &self.parts {
            self.object = Some(JsonObject::new(parts.info));
        }
        self
    }

    /// A required member of the JSON object.
    #[must_use]
    pub fn member(self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.write(|object| object.member(name, value))
    }

    /// An optional member of the JSON object.
    #[must_use]
    pub fn optional(self, name: &str, value: &Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.member(name, value),
            None => self,
        }
    }

    /// The whole JSON body. `_name` is what the input is called.
    #[must_use]
    pub fn json(self, _name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        self.and(|parts| parts.json(value))
    }

    /// The whole JSON body if it is set, else `{}`.
    #[must_use]
    pub fn json_optional(self, name: &str, value: &Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.json(name, value),
            None => self.object(),
        }
    }

    /// States how the mask of an update follows from what is set in the input `of`; see the entries at `MaskRule`.
    #[must_use]
    pub fn masked(mut self, of: &'static str, entries: &'static str) -> Self {
        self.rule = Some(MaskRule { of, entries });
        self
    }

    /// The mask of an update in the query; computed if it is unset.
    #[must_use]
    pub fn mask(mut self, name: &'static str, value: &Option<FieldMask>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => {
                self.mask = Some(PendingMask { name, place: MaskPlace::Query });
                self
            }
        }
    }

    /// The mask of an update as a member of the JSON object; computed if it is unset.
    #[must_use]
    pub fn mask_member(mut self, name: &'static str, value: &Option<FieldMask>) -> Self {
        match value {
            Some(value) => self.member(name, value),
            None => {
                self.mask = Some(PendingMask { name, place: MaskPlace::Member });
                self
            }
        }
    }

    /// A field of a form.
    #[must_use]
    pub fn field(mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Self {
        self.form.push(Part::field(name, value.to_string()));
        self
    }

    /// An optional field of a form.
    #[must_use]
    pub fn field_optional(self, name: &str, value: &Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// A field of a form that is sent as `true` or not at all.
    #[must_use]
    pub fn flag(self, name: &str, value: &Option<bool>) -> Self {
        if *value == Some(true) { self.field(name, "true") } else { self }
    }

    /// A file of a form; `None` stands for a stream that was sent before.
    #[must_use]
    pub fn file(mut self, name: &str, body: Option<Body>) -> Self {
        match body {
            Some(body) => self.form.push(Part::file(name, name, body)),
            None => self.refuse_second_use(),
        }
        self
    }

    /// A body of this media type, as it is; `None` stands for a stream that was sent before.
    #[must_use]
    pub fn raw(mut self, media_type: &'static str, body: Option<Body>) -> Self {
        match body {
            Some(body) => self.and(|parts| Ok(parts.body(media_type, body))),
            None => {
                self.refuse_second_use();
                self
            }
        }
    }

    /// The request.
    ///
    /// # Errors
    /// What the first input that cannot be sent lacks.
    pub fn build(mut self) -> Result<RequestParts> {
        if let (Some(mask), Some(rule)) = (self.mask, self.rule) {
            self = self.compute(mask, rule);
        }
        let mut parts = self.parts?;
        if let Some(object) = self.object {
            parts.payload = object.finish();
        }
        if !self.form.is_empty() {
            parts = parts.multipart(self.form);
        }
        Ok(parts)
    }

    /// Adds the mask of what is set; all that is sent has been written before.
    fn compute(self, mask: PendingMask, rule: MaskRule) -> Self {
        let Ok(parts) = &self.parts else { return self };
        let (info, name) = (parts.info, mask.name);
        let resource = match (&self.object, &parts.payload) {
            (Some(object), _) => field_mask::resource(&object.text(), Some(rule.of)),
            (None, Payload::Json(text)) => field_mask::resource(text, None),
            _ => field_mask::resource(b"", None),
        };
        match (rule.mask(info, name, &resource), mask.place) {
            (Ok(Some(paths)), MaskPlace::Member) => self.member(name, &paths),
            (Ok(Some(paths)), MaskPlace::Query) => self.and(|parts| parts.computed_mask(name, paths)),
            (Ok(None), MaskPlace::Query) => self.and(|parts| parts.computed_mask(name, FieldMask::default())),
            (Ok(None), MaskPlace::Member) => self,
            (Err(error), _) => self.and(|_| Err(error)),
        }
    }

    fn and(mut self, step: impl FnOnce(RequestParts) -> Result<RequestParts>) -> Self {
        self.parts = self.parts.and_then(step);
        self
    }

    fn write(mut self, step: impl FnOnce(&mut JsonObject) -> Result<()>) -> Self {
        if let (Ok(_), Some(object)) = (&self.parts, &mut self.object)
            && let Err(error) = step(object)
        {
            self.parts = Err(error);
        }
        self
    }

    fn refuse_second_use(&mut self) {
        if let Ok(parts) = &self.parts {
            self.parts = Err(Error::new(
                ErrorKind::InvalidInput,
                "the body is a stream that can be sent once; give bytes or Body::from_factory to send it again",
            )
            .with_operation(parts.info.id));
        }
    }
}
