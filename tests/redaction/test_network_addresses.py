"""Addresses of computers, and versions, times and code that look like them."""

import pytest

from intentflow.redaction.analyzer import find_personal_data


def _found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal_data(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("the host is 10.0.7.3.", "10.0.7.3"),
        ("主机10.0.7.3的日志", "10.0.7.3"),
        ("open 192.168.1.20:8080", "192.168.1.20"),
        ("ping 2001:db8::8a2e:370:7334", "2001:db8::8a2e:370:7334"),
        ("ip:2001:db8::8a2e:370:7334.", "2001:db8::8a2e:370:7334"),
        ("[2001:db8::1]:8080", "2001:db8::1"),
        ("1050:0:0:0:5:600:300c:326b", "1050:0:0:0:5:600:300c:326b"),
        ("::ffff:192.168.0.1", "::ffff:192.168.0.1"),
        ("１９２．１６８．１．２０", "１９２．１６８．１．２０"),
    ],
)
def test_an_internet_address_is_found(text: str, value: str) -> None:
    assert _found(text) == [("IP_ADDRESS", value)]


@pytest.mark.parametrize(
    "value",
    [
        "00:1A:2b:3C:4d:5E",
        "00-1A-2B-3C-4D-5E",
        "001a.2b3c.4d5e",
        "01:23:45:01:23:45",
        "aa:bb:cc:dd:ee:ff",
    ],
)
def test_a_hardware_address_is_found(value: str) -> None:
    assert _found(f"block {value} now") == [("MAC_ADDRESS", value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("get ftp://files.example.com/x.", "ftp://files.example.com/x"),
        ("ssh://db01.internal:22", "ssh://db01.internal:22"),
        ("https://10.0.0.5/admin", "https://10.0.0.5/admin"),
    ],
)
def test_a_link_with_the_name_of_a_host_is_found(text: str, value: str) -> None:
    assert _found(text) == [("URL", value)]


@pytest.mark.parametrize(
    "text",
    [
        "version 10.2.3.4",
        "版本1.2.3.4",
        "v1.2.3.4",
        "999.1.1.1",
        "1.2.3.4.5",
        "12:30:45",
        "10:20:30:40",
        "a::b",
        "std::vector<int> v",
        "::1",
        "lottery 01-12-23-34-45-06",
        "2:30-4:30",
        "192.168",
    ],
)
def test_versions_times_and_code_stay(text: str) -> None:
    assert _found(text) == []
