"""The routes under `/api/v1`, one file a noun: `router` in each, listed here."""

from __future__ import annotations

from fastapi import APIRouter

from teleflow.api.v1 import (
    audit,
    auth,
    broadcasts,
    browser,
    chats,
    deliveries,
    events,
    files,
    groups,
    jobs,
    keys,
    members,
    messages,
    methods,
    opt_outs,
    parcels,
    people,
    profile,
    sandbox,
    sending,
    service,
    session_logins,
    session_transfer,
    sessions,
    stories,
    users,
    webhooks,
)

HOT: tuple[APIRouter, ...] = (messages.router, files.photos, stories.router, chats.router, sending.router, jobs.router)
"""What is called most."""

ROUTERS: tuple[APIRouter, ...] = (
    auth.router,
    browser.router,
    keys.router,
    users.router,
    session_logins.router,
    session_transfer.router,
    sessions.router,
    files.photos,
    stories.router,
    chats.router,
    files.router,
    people.router,
    profile.router,
    groups.router,
    members.router,
    messages.router,
    sending.router,
    parcels.router,
    jobs.router,
    methods.router,
    broadcasts.router,
    opt_outs.router,
    events.router,
    webhooks.router,
    deliveries.router,
    events.sockets,
    audit.router,
    service.router,
    sandbox.router,
)
