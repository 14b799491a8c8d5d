//! `GET /api/docs/limits`: what may come in, for pages that tell it before the first byte is sent.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Call, Target, TargetKind};
use crate::app::App;
use crate::config::UploadConfig;
use crate::documents::Category;
use crate::documents::content::{FileType, TYPES};
use crate::http::{ApiError, ApiJson, ApiQuery, Nothing};

/// What may come in. The smallest of the limits that concern a file holds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsAnswer {
    /// Every accepted type.
    types: Vec<AcceptedType>,
    /// The largest file that may come in parts, in bytes; some types have a smaller limit.
    max_bytes_in_parts: u64,
    /// The categories that have a limit of their own.
    categories: Vec<CategoryLimit>,
}

/// An accepted type.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedType {
    /// The media type.
    content_type: &'static str,
    /// The extensions its files have, the usual one first.
    extensions: &'static [&'static str],
    /// The largest such file in one request, in bytes.
    max_bytes: u64,
    /// The largest such file that may come in parts, in bytes.
    max_bytes_in_parts: u64,
}

/// The limit of a category.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryLimit {
    /// The category.
    category: &'static str,
    /// The largest file, in bytes, however it comes.
    max_bytes: u64,
}

/// What may come in, and how large.
#[utoipa::path(get, path = "/api/docs/limits",
    operation_id = "uploadLimits", tag = "documents",
    responses((status = 200, body = LimitsAnswer)))]
pub async fn read(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<ApiJson<LimitsAnswer>, ApiError> {
    let grant = call.authorize(Target::new(TargetKind::Clinic, call.clinic())).await?;
    grant.begin().await?.commit(None).await?;
    Ok(ApiJson(LimitsAnswer::of(&app.config.uploads)))
}

impl LimitsAnswer {
    /// As they are configured.
    pub(super) fn of(config: &UploadConfig) -> Self {
        let accepted = |accepted: &FileType| AcceptedType {
            content_type: accepted.mime,
            extensions: accepted.extensions,
            max_bytes: accepted.family_limit(config),
            max_bytes_in_parts: accepted.parts_limit(config),
        };
        let own = |category: Category| {
            let max_bytes = config.category_limit(category.as_str())?;
            Some(CategoryLimit { category: category.as_str(), max_bytes })
        };
        Self {
            types: TYPES.iter().filter(|of| of.is_taken(config)).map(accepted).collect(),
            max_bytes_in_parts: config.max_upload,
            categories: Category::ALL.into_iter().filter_map(own).collect(),
        }
    }

    /// The same where no file may be larger than that many bytes.
    #[must_use]
    pub(super) fn at_most(mut self, most: u64) -> Self {
        for of in &mut self.types {
            of.max_bytes_in_parts = most.min(of.max_bytes_in_parts);
        }
        let of_types = self.types.iter_mut().map(|accepted| &mut accepted.max_bytes);
        let of_categories = self.categories.iter_mut().map(|own| &mut own.max_bytes);
        let in_parts = std::iter::once(&mut self.max_bytes_in_parts);
        for limit in of_types.chain(of_categories).chain(in_parts) {
            *limit = most.min(*limit);
        }
        self
    }
}
