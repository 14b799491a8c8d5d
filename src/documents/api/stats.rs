//! `GET /api/v2/aws/s3/stats`: the figures of the caller's clinic.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentJson, Sight, schemas};
use crate::access::Call;
use crate::app::App;
use crate::documents::stats::{Figure, Stats, stats};
use crate::http::{ApiError, ApiJson, ApiQuery, page};

/// The longest time that is looked back over, in days.
const MOST_DAYS: u32 = 366;

/// Over which time.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// How many days, today included, 1 to 366; 30 when left out.
    #[param(schema_with = schemas::days)]
    days: Option<u32>,
}

/// A number of documents and their size.
#[derive(Serialize, ToSchema)]
pub struct FigureJson {
    /// Documents.
    count: i64,
    /// Their bytes.
    bytes: i64,
}

/// Documents of one category.
#[derive(Serialize, ToSchema)]
pub struct CategoryFigure {
    /// The category.
    category: &'static str,
    #[serde(flatten)]
    figure: FigureJson,
}

/// Documents in one state.
#[derive(Serialize, ToSchema)]
pub struct StateFigure {
    /// The state.
    state: &'static str,
    #[serde(flatten)]
    figure: FigureJson,
}

/// Documents in one storage class.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageFigure {
    /// `local` or `s3`.
    storage_provider: String,
    /// The class when the upload was confirmed, `STANDARD` where the store named none.
    storage_class: String,
    #[serde(flatten)]
    figure: FigureJson,
}

/// Uploads of one day.
#[derive(Serialize, ToSchema)]
pub struct DayFigure {
    /// The day (UTC).
    #[schema(format = "date")]
    day: String,
    #[serde(flatten)]
    figure: FigureJson,
}

/// How much came in.
#[derive(Serialize, ToSchema)]
pub struct Growth {
    /// In how many days.
    days: u32,
    #[serde(flatten)]
    figure: FigureJson,
    /// In as many days before.
    before: FigureJson,
}

/// The figures of a clinic.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsJson {
    /// Documents whose bytes are kept: scanning, available, quarantined, in the trash.
    totals: FigureJson,
    /// The same by category.
    by_category: Vec<CategoryFigure>,
    /// Every document and upload there is a record of, by state.
    by_state: Vec<StateFigure>,
    /// The kept ones by storage class.
    by_storage_class: Vec<StorageFigure>,
    /// Confirmed uploads, a row a day, the oldest first.
    uploads_per_day: Vec<DayFigure>,
    /// Confirmed uploads of these days together, and of as many before.
    growth: Growth,
    /// The newest documents the caller may read.
    recent_uploads: Vec<DocumentJson>,
}

/// How many documents there are, how large, of what kind, and how many came lately.
#[utoipa::path(get, path = "/api/v2/aws/s3/stats",
    operation_id = "storageStats", tag = "storage",
    params(StatsQuery),
    responses((status = 200, body = StatsJson)))]
pub async fn get(
    State(app): State<App>,
    call: Call,
    ApiQuery(query): ApiQuery<StatsQuery>,
) -> Result<ApiJson<StatsJson>, ApiError> {
    let days = query.days.unwrap_or(30);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(page::field("days", &format!("must be from 1 to {MOST_DAYS}")));
    }
    let found = stats(&app, &call, days).await?;
    Ok(ApiJson(shown(Sight::of(&call), days, found)))
}

const fn figure(figure: Figure) -> FigureJson {
    FigureJson { count: figure.count, bytes: figure.bytes }
}

fn shown(sight: Sight, days: u32, stats: Stats) -> StatsJson {
    let of_category = |(category, f): (crate::documents::Category, _)| CategoryFigure {
        category: category.as_str(),
        figure: figure(f),
    };
    let of_state = |(state, f): (crate::documents::State, _)| StateFigure {
        state: state.as_str(),
        figure: figure(f),
    };
    let of_class = |(storage_provider, class, f): (_, String, _)| StorageFigure {
        storage_provider,
        storage_class: if class.is_empty() { "STANDARD".to_owned() } else { class },
        figure: figure(f),
    };
    let of_day = |(day, f): (crate::time::Timestamp, _)| DayFigure {
        day: day.date_time().date().to_string(),
        figure: figure(f),
    };
    StatsJson {
        totals: figure(stats.totals),
        by_category: stats.by_category.into_iter().map(of_category).collect(),
        by_state: stats.by_state.into_iter().map(of_state).collect(),
        by_storage_class: stats.by_storage_class.into_iter().map(of_class).collect(),
        uploads_per_day: stats.per_day.into_iter().map(of_day).collect(),
        growth: Growth { days, figure: figure(stats.grown), before: figure(stats.grown_before) },
        recent_uploads: stats.recent.into_iter().map(|d| DocumentJson::seen(sight, d)).collect(),
    }
}
