"""E-mail addresses in any script, masked and spoken."""

import pytest

from intentflow.redaction.analyzer import find_personal_data


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("my email is müller@example.de ok", "müller@example.de"),
        ("пиши на пользователь@пример.рф", "пользователь@пример.рф"),
        ("अजय@डाटा.भारत", "अजय@डाटा.भारत"),
        ("请发邮件给用户@例子.中国谢谢", "用户@例子.中国"),
        ("邮箱是张三@example.com", "张三@example.com"),
        ("jane (at) example (dot) com", "jane (at) example (dot) com"),
        ("jane.doe[at]example[dot]org", "jane.doe[at]example[dot]org"),
        ("to jane(dot)doe(at)example(dot)co(dot)uk now", "jane(dot)doe(at)example(dot)co(dot)uk"),
        ("jane at gmail dot com", "jane at gmail dot com"),
        ("reach me at jane at work.io", "jane at work.io"),
        ("please email jane at example.com", "jane at example.com"),
    ],
)
def test_an_address_is_found(text: str, address: str) -> None:
    assert [text[start:end] for start, end, _ in find_personal_data(text)] == [address]
