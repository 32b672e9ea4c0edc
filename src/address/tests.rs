use super::*;

#[test]
fn no_address_of_a_private_network_is_called_however_it_is_written() {
    let private = [
        "https://localhost/a.jpg",
        "https://LOCALHOST./a.jpg",
        "https://photos.localhost/a.jpg",
        "https://intranet/a.jpg",
        "https://nas.local/a.jpg",
        "https://db.internal/a.jpg",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://nas.lan/a.jpg",
        "https://router.home.arpa/a.jpg",
        "https://1.0.0.127.in-addr.arpa/a.jpg",
        "https://127.0.0.1/a.jpg",
        "https://127.1/a.jpg",
        "https://2130706433/a.jpg",
        "https://0x7f000001/a.jpg",
        "https://0x7f.0.0.1/a.jpg",
        "https://0177.0.0.1/a.jpg",
        "https://017700000001/a.jpg",
        "https://127.0.0.1./a.jpg",
        "https://%31%32%37.0.0.1/a.jpg",
        "https://0.0.0.0/a.jpg",
        "https://0/a.jpg",
        "https://10.0.0.1/a.jpg",
        "https://10.255.255.255/a.jpg",
        "https://100.64.0.1/a.jpg",
        "https://169.254.169.254/latest/meta-data/",
        "https://0xa9fea9fe/latest/meta-data/",
        "https://172.16.0.1/a.jpg",
        "https://172.31.255.255/a.jpg",
        "https://192.168.1.1/a.jpg",
        "https://192.0.0.192/a.jpg",
        "https://198.18.0.1/a.jpg",
        "https://224.0.0.1/a.jpg",
        "https://255.255.255.255/a.jpg",
        "https://[::]/a.jpg",
        "https://[::1]/a.jpg",
        "https://[0:0:0:0:0:0:0:1]/a.jpg",
        "https://[::ffff:127.0.0.1]/a.jpg",
        "https://[::ffff:a00:1]/a.jpg",
        "https://[::127.0.0.1]/a.jpg",
        "https://[64:ff9b::a00:1]/a.jpg",
        "https://[64:ff9b:1::a00:1]/a.jpg",
        "https://[2002:a00:1::]/a.jpg",
        "https://[2001::a00:1]/a.jpg",
        "https://[2001:db8::1]/a.jpg",
        "https://[fc00::1]/a.jpg",
        "https://[fd00:ec2::254]/latest/meta-data/",
        "https://[fe80::1]/a.jpg",
        "https://[fec0::1]/a.jpg",
        "https://[ff02::1]/a.jpg",
        "https:\\\\10.0.0.1\\a.jpg",
        "https:10.0.0.1/a.jpg",
        "https:///10.0.0.1/a.jpg",
        " https://10.0.0.1/a.jpg",
        "ht\ntps://10.0.0.1/a.jpg",
    ];
    for address in private {
        let refused = parse(address, AddressPolicy::Public).err();
        assert_eq!(refused, Some(AddressError::Private), "{address}");
    }
}

#[test]
fn what_no_browser_reads_as_a_web_address_is_refused() {
    let no_web_address = [
        "",
        "photos/a.jpg",
        "//photos.test/a.jpg",
        "http://photos.test/a.jpg",
        "ftp://photos.test/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "blob:https://photos.test/1",
        "javascript:alert(1)",
    ];
    for address in no_web_address {
        let refused = parse(address, AddressPolicy::Public).err();
        assert_eq!(refused, Some(AddressError::Scheme), "{address}");
    }
}

#[test]
fn an_address_without_a_readable_host_is_not_told_to_start_with_https() {
    let without_host = [
        "https://",
        "https://bücher.test/a.jpg",
        "https://photos.test:99999/a.jpg",
        "https://[fe80::1%25eth0]/a.jpg",
        "https://1.2.3.4.5/a.jpg",
        "https://256.1.1.1/a.jpg",
        "https://photos test/a.jpg",
        "https://１２７.0.0.1/a.jpg",
    ];
    for address in without_host {
        let refused = parse(address, AddressPolicy::Public).err();
        assert_eq!(refused, Some(AddressError::Host), "{address}");
    }
}

#[test]
fn a_public_address_is_read_as_a_browser_reads_it() {
    let read = |address: &str| parse(address, AddressPolicy::Public).map(String::from);
    let same = |address: &str| assert_eq!(read(address), Ok(address.into()));
    same("https://photos.test/a.jpg?token=a%2Fb#1");
    same("https://93.184.216.34/a.jpg");
    same("https://172.32.0.1/a.jpg");
    same("https://[2606:2800:220:1::1]/a.jpg");
    for (written, address) in [
        ("https:\\\\photos.test\\a.jpg", "https://photos.test/a.jpg"),
        (
            " \t https://photos.test/a.jpg\r\n",
            "https://photos.test/a.jpg",
        ),
        ("https://photos.test/a\n.jpg", "https://photos.test/a.jpg"),
        (
            "https://photos.test/100%.jpg",
            "https://photos.test/100%.jpg",
        ),
        (
            "https://photos.test/Müll \"x\"<1>.jpg",
            "https://photos.test/M%C3%BCll%20%22x%22%3C1%3E.jpg",
        ),
        ("https:photos.test/a.jpg", "https://photos.test/a.jpg"),
        (
            "https://photos.test/b/../a.jpg",
            "https://photos.test/a.jpg",
        ),
    ] {
        assert_eq!(read(written), Ok(address.into()), "{written}");
    }
    assert_eq!(
        read("HTTPS://Photos.Test/my photo.jpg"),
        Ok("https://photos.test/my%20photo.jpg".into())
    );
}

#[test]
fn nobody_is_sent_a_password_from_an_address() {
    for address in [
        "https://user:pass@photos.test/",
        "https://photos.test@10.0.0.1/",
    ] {
        let refused = parse(address, AddressPolicy::Public).err();
        assert_eq!(refused, Some(AddressError::Credentials), "{address}");
    }
}

#[test]
fn a_redirect_is_held_to_the_same_rules() {
    let from = parse("https://photos.test/a/b.jpg", AddressPolicy::Public).expect("public");
    let to = |location: &str| redirect(&from, location, AddressPolicy::Public).map(String::from);
    assert_eq!(to("../c.jpg"), Ok("https://photos.test/c.jpg".into()));
    assert_eq!(to("//other.test/"), Ok("https://other.test/".into()));
    assert_eq!(to("http://photos.test/"), Err(AddressError::Scheme));
    assert_eq!(to("https://169.254.169.254/"), Err(AddressError::Private));
}

#[test]
fn a_local_stack_may_call_its_own_machine() {
    for address in ["http://127.0.0.1:54321/a.jpg", "https://localhost/a.jpg"] {
        assert!(parse(address, AddressPolicy::Any).is_ok(), "{address}");
    }
    assert!(parse("file:///etc/passwd", AddressPolicy::Any).is_err());
}

#[test]
fn no_refusal_repeats_the_address() {
    for error in [
        AddressError::Scheme,
        AddressError::Host,
        AddressError::Credentials,
        AddressError::Private,
    ] {
        assert!(!error.to_string().contains("photos"), "{error}");
    }
}
