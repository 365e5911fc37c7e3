//! An authority of our own, and certificates by it, in files of PEM that any program reads.

use std::error::Error;
use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

use crate::options::pem;

pub(crate) fn run(mut args: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let folder = args.next().ok_or("which folder?")?;
    let folder = Path::new(&folder);
    let authority = authority("sockless: an authority for a test")?;
    let stranger = self::authority("sockless: an authority that nobody trusts")?;
    fs::write(folder.join("ca.pem"), pem("CERTIFICATE", authority.der()))?;
    let here = ["localhost", "127.0.0.1"];
    write(folder, "good", &authority, CertificateParams::new(here.map(String::from))?)?;
    let mut expired = CertificateParams::new(here.map(String::from))?;
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    write(folder, "expired", &authority, expired)?;
    write(folder, "other", &authority, CertificateParams::new(["other.example".into()])?)?;
    write(folder, "strange", &stranger, CertificateParams::new(here.map(String::from))?)?;
    Ok(())
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn write(
    folder: &Path,
    name: &str,
    authority: &Authority,
    params: CertificateParams,
) -> Result<(), Box<dyn Error>> {
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    fs::write(folder.join(format!("{name}.pem")), pem("CERTIFICATE", certificate.der()))?;
    fs::write(folder.join(format!("{name}.key")), pem("PRIVATE KEY", &key.serialize_der()))?;
    Ok(())
}
