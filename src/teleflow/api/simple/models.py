"""Bodies and answers of the simple API. Field names are the wire's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from teleflow.api.bodies import Body


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


Text = Annotated[str, AfterValidator(_no_nul)]


class Message(BaseModel):
    message: str


class TokenAnswer(BaseModel):
    """`expires_in`: the access token's life in seconds. The refresh token works once."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a kind
    expires_in: int


class RefreshBody(Body):
    refresh_token: str


class Me(BaseModel):
    username: str
    role: Literal["admin", "user"]
    telegram_phone: str | None
    telegram_connected: bool
    description: str | None
    created_at: str


class NewUserBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "username": "john",
                    "password": "a long and secret sentence",
                    "telegram_phone": "+9996610001",
                    "telegram_api_id": 12345678,
                    "telegram_api_hash": "abcdef1234567890abcdef1234567890",
                }
            ]
        }
    )

    username: str = Field(min_length=3, max_length=50)
    password: str = Field(description="8 characters or more (PASSWORD_MIN_LENGTH), at most 1,024 bytes")
    telegram_phone: str = Field(max_length=64)
    telegram_api_id: int | None = Field(None, gt=0, lt=2**31, description="Optional where the service has its own")
    telegram_api_hash: str | None = Field(None, pattern=r"^[0-9A-Za-z]{8,128}$")
    description: Annotated[str, Field(max_length=500), AfterValidator(_no_nul)] | None = None


class UserCreated(BaseModel):
    message: str
    username: str


class UserRow(Me):
    telegram_api_id: int | None
    telegram_api_hash: str | None = Field(description="Always masked")


class UserList(BaseModel):
    """`count` is how many there are in all."""

    users: list[UserRow]
    count: int


class VerifyBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "12345"}]})

    code: str = Field(min_length=1, max_length=32)
    password: str | None = Field(None, description="The account's cloud password, where it has one")


class InitAnswer(BaseModel):
    """`phone` is there when the account is logged in already."""

    message: str
    phone: str | None = None


class VerifyAnswer(BaseModel):
    message: str
    name: str
    phone: str


class StatusAnswer(BaseModel):
    connected: bool
    phone: str | None = None
    name: str | None = None
    detail: str | None = None


class SendBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"phone": "+9996610002", "message": "Your verification code is: 482917"}]}
    )

    phone: str = Field(description="Optional +, 5 to 15 digits; blanks, dashes and brackets are dropped")
    message: str = Field(min_length=1, description="1 to 4,096 UTF-16 units")


class SendAnswer(BaseModel):
    """`jobId` names the stored send; `messageId` is Telegram's number for it, when it told one.

    `warning`: the text seems to hold a Telegram login code, which Telegram makes void when its account sends it on.
    """

    success: Literal[True]
    detail: str
    jobId: str  # noqa: N815 - the wire's name
    messageId: int | None = None  # noqa: N815
    warning: Literal["LOGIN_CODE_IN_TEXT"] | None = None


class LogRow(BaseModel):
    """`success` is null while the outcome is not known."""

    username: str
    from_phone: str
    to_phone: str
    message: str
    success: bool | None
    detail: str
    created_at: str


class LogList(BaseModel):
    logs: list[LogRow]
    count: int
