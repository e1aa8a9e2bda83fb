//! The three catalogues in the forms that are served.

use std::sync::{Arc, OnceLock};

use crate::Category;
use crate::body::Body;
use crate::catalogue::licensing::{Assets, Definitions, Register};
use crate::catalogue::{Baselines, Guidance, Stored};
use crate::document::Document;
use crate::json::{Json, Object, Style};
use crate::l1::Snapshots;
use crate::reference::Published;
use crate::shape::Issue;
use crate::view::CategoryView;

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

/// The catalogues, ready to answer. What concerns every model of every category is drawn up when
/// somebody asks for it.
#[derive(Debug)]
pub struct CatalogueView {
    /// Their contents.
    pub catalogues: Catalogues,
    categories: Vec<Arc<Published<CategoryView>>>,
    register: OnceLock<Register>,
    licensing_export: OnceLock<Arc<Body>>,
}

impl CatalogueView {
    /// The catalogues beside the categories there are.
    pub fn new(catalogues: Catalogues, categories: Vec<Arc<Published<CategoryView>>>) -> Self {
        let (register, licensing_export) = (OnceLock::new(), OnceLock::new());
        Self { catalogues, categories, register, licensing_export }
    }

    /// Definitions, assets and models put together. The first call takes milliseconds.
    pub fn register(&self) -> &Register {
        self.register.get_or_init(|| {
            let records: Vec<(Category, &Object)> = self
                .categories
                .iter()
                .filter_map(|view| Some((view.category, view.records()?)))
                .collect();
            Register::new(&self.catalogues.licenses, &self.catalogues.assets, &records)
        })
    }

    /// The answer with the whole register. The first call takes tens of milliseconds.
    pub fn licensing_export(&self) -> &Arc<Body> {
        let make = || Body::ready(self.register().export().to_text(Style::COMPACT));
        self.licensing_export.get_or_init(make)
    }
}
