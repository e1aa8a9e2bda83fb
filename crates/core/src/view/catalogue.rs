//! The three catalogues in the forms that are served.

use std::sync::Arc;

use crate::Category;
use crate::body::Body;
use crate::catalogue::licensing::{Assets, Definitions, Register};
use crate::catalogue::{Baselines, Guidance, Stored};
use crate::document::Document;
use crate::json::{Json, Object, Style};
use crate::l1::Snapshots;
use crate::shape::Issue;

/// The catalogues' contents: what the files say, or what stands in for it.
#[derive(Debug, Clone)]
pub struct Catalogues {
    /// Image baselines.
    pub baselines: Arc<Baselines>,
    /// Text guidance.
    pub guidance: Arc<Guidance>,
    /// Licence definitions.
    pub licenses: Arc<Definitions>,
    /// Licensed assets that are not models.
    pub assets: Arc<Assets>,
    /// Documents that do not have the shape they should, and what is wrong.
    pub refused: Vec<(Document, String)>,
}

impl Catalogues {
    /// What is packaged with the service.
    pub fn packaged() -> Self {
        Self {
            baselines: Baselines::packaged().into(),
            guidance: Guidance::packaged().into(),
            licenses: Definitions::packaged().into(),
            assets: Assets::packaged().into(),
            refused: Vec::new(),
        }
    }

    /// Reads the catalogues' documents. One that is absent is the packaged one; one that does not
    /// have the right shape leaves what there was `before`.
    pub fn read(snapshots: Snapshots<'_>, before: &Self) -> Self {
        let packaged = Self::packaged();
        let mut refused = Vec::new();
        let baselines = Document::Baselines;
        let baselines = read(
            snapshots,
            baselines,
            &before.baselines,
            packaged.baselines,
            Baselines::parse,
            &mut refused,
        );
        let guidance = Document::Guidance;
        let guidance = read(
            snapshots,
            guidance,
            &before.guidance,
            packaged.guidance,
            Guidance::parse,
            &mut refused,
        );
        let licenses = Document::Licenses;
        let licenses = read(
            snapshots,
            licenses,
            &before.licenses,
            packaged.licenses,
            Definitions::parse,
            &mut refused,
        );
        let assets = Document::LicensedAssets;
        let assets =
            read(snapshots, assets, &before.assets, packaged.assets, Assets::parse, &mut refused);
        for (document, reason) in &refused {
            tracing::error!(%document, %reason, "catalogue refused; the last good one is served");
        }
        Self { baselines, guidance, licenses, assets, refused }
    }
}

fn read<T>(
    snapshots: Snapshots<'_>,
    document: Document,
    before: &Arc<T>,
    packaged: Arc<T>,
    parse: impl Fn(&Json) -> Result<T, Vec<Issue>>,
    refused: &mut Vec<(Document, String)>,
) -> Arc<T> {
    let snapshot = snapshots.get(document);
    let Some(value) = snapshot.json() else { return packaged };
    match parse(value) {
        Ok(catalogue) => Arc::new(catalogue),
        Err(issues) => {
            let reasons: Vec<String> = issues.iter().map(ToString::to_string).collect();
            refused.push((document, reasons.join("; ")));
            Arc::clone(before)
        }
    }
}

/// The catalogues, ready to answer.
#[derive(Debug)]
pub struct CatalogueView {
    /// Their contents.
    pub catalogues: Catalogues,
    /// Definitions, assets and models put together.
    pub register: Register,
    /// The answer with the whole register.
    pub licensing_export: Arc<Body>,
}

impl CatalogueView {
    /// Draws up the register over the v2 records of the categories there are.
    pub fn new(catalogues: Catalogues, records: &[(Category, &Object)]) -> Self {
        let register = Register::new(&catalogues.licenses, &catalogues.assets, records);
        let licensing_export = Body::new(register.export().to_text(Style::COMPACT));
        Self { catalogues, register, licensing_export }
    }
}
