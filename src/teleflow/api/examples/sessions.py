"""Of sessions: logins, states, transfers."""

from __future__ import annotations

from typing import Any

ID = "ses_01kdx8zq5ge9mvs4tjq3c1w2ab"
MOMENT = "2026-01-02T03:04:05.678Z"
_SESSION = {
    "id": ID,
    "name": "support",
    "phoneNumber": "+9996610001",
    "isActive": True,
    "isAuthorized": True,
    "createdAt": MOMENT,
    "lastConnected": MOMENT,
    "state": "online",
    "cause": None,
    "stateSince": MOMENT,
    "accountId": "6100000001",
    "accountName": "Ann Example",
    "waits": [],
}
_DEVICE = {
    "deviceModel": "TeleFlow",
    "systemVersion": "Linux",
    "appVersion": "1.0",
    "langCode": "en",
    "systemLangCode": "en",
}
_PACE = {"firstContacts": 3, "firstContactsPerDay": 50}
_ONE = {
    **_SESSION,
    "proxy": {"type": "socks5", "host": "proxy.example.com", "port": 1080},
    "device": _DEVICE,
    "pace": _PACE,
}
_CODE = {
    "sessionId": ID,
    "step": "CODE_REQUIRED",
    "phoneCodeHash": "b1946ac92492d2347c",
    "codeType": "app",
    "nextType": "sms",
    "timeout": 120,
}
_QR = {
    "sessionId": ID,
    "step": "QR_REQUIRED",
    "url": "tg://login?token=AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
    "expiresAt": MOMENT,
}
_STRING = "1AgAOMTQ5LjE1NC4xNjcuNTABuwEBAQEBAQEBAQEBAQEBAQEBAQ=="

REQUESTS: dict[str, Any] = {
    "sessions.create": {"name": "support", "phoneNumber": "+9996610001"},
    "sessions.createQr": {"name": "support"},
    "sessions.verifyCode": {"sessionId": ID, "phoneCode": "12345", "phoneCodeHash": _CODE["phoneCodeHash"]},
    "sessions.verifyPassword": {"sessionId": ID, "password": "the account's cloud password"},
    "sessions.import": {"name": "support", "sessionString": _STRING},
    "sessions.export": {"password": "a long and secret sentence", "format": "gramjs"},
    "sessions.change": {"name": "support, second line", "proxy": "socks5://proxy.example.com:1080"},
}
ANSWERS: dict[str, Any] = {
    "sessions.create": _CODE,
    "sessions.resendCode": {**_CODE, "codeType": "sms"},
    "sessions.verifyCode": {"sessionId": ID, "step": "LOGGED_IN"},
    "sessions.verifyPassword": {"sessionId": ID, "step": "LOGGED_IN"},
    "sessions.createQr": _QR,
    "sessions.qr": _QR,
    "sessions.cancel": {"message": "The login was given up"},
    "sessions.import": {
        "sessionId": ID,
        "accountId": "6100000001",
        "accountName": "Ann Example",
        "phoneNumber": "+9996610001",
    },
    "sessions.export": {"format": "gramjs", "sessionString": _STRING},
    "sessions.list": [_SESSION],
    "sessions.get": _ONE,
    "sessions.change": _ONE,
    "sessions.delete": {"message": "The session was deleted"},
    "sessions.connect": {"message": "The session is connected"},
    "sessions.disconnect": {"message": "The session is disconnected"},
    "sessions.logout": {"message": "The session is logged out"},
    "sessions.me": {"id": "6100000001", "firstName": "Ann", "lastName": "Example", "phone": "9996610001"},
}
