"""contacts.*: the address book, finding people, blocking."""

from __future__ import annotations

from collections.abc import AsyncIterator

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.house import House


@case(f.contacts.ImportContactsRequest, f.contacts.GetContactsRequest, f.contacts.DeleteByPhonesRequest)
async def numbers_are_imported(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    cards = [types.InputPhoneContact(7, bob.phone, "Bobby", "B"), types.InputPhoneContact(8, "+15559999999", "No", "")]
    imported = await ann(f.contacts.ImportContactsRequest(cards))
    same([(each.user_id, each.client_id) for each in imported.imported], [(bob.id, 7)])
    same((imported.users[0].first_name, imported.users[0].contact), ("Bobby", True))
    listed = await ann(f.contacts.GetContactsRequest(0))
    same([(each.user_id, each.mutual) for each in listed.contacts], [(bob.id, False)])
    await bob(f.contacts.ImportContactsRequest([types.InputPhoneContact(1, ann.phone, "Ann", "")]))
    listed = await ann(f.contacts.GetContactsRequest(0))
    same([(each.user_id, each.mutual) for each in listed.contacts], [(bob.id, True)])
    same(await ann(f.contacts.DeleteByPhonesRequest([bob.phone])), True)
    same((await ann(f.contacts.GetContactsRequest(0))).contacts, [])


@case(f.contacts.AddContactRequest, f.contacts.DeleteContactsRequest)
async def a_contact_is_added_and_deleted(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    named = await ann.user(bob)
    added = await ann(f.contacts.AddContactRequest(named, "Robert", "", "", add_phone_privacy_exception=True))
    same((added.users[0].first_name, added.users[0].contact), ("Robert", True))
    (seen,) = await ann(f.users.GetUsersRequest([named]))
    same((seen.first_name, seen.contact), ("Robert", True))
    gone = await ann(f.contacts.DeleteContactsRequest([named]))
    same((gone.users[0].first_name, gone.users[0].contact), ("Bob", False))
    same((await ann(f.contacts.GetContactsRequest(0))).contacts, [])


@case(f.contacts.AddContactRequest, f.account.GetPrivacyRequest)
async def adding_with_an_exception_shows_ones_number(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await ann(f.account.SetPrivacyRequest(types.InputPrivacyKeyPhoneNumber(), [types.InputPrivacyValueDisallowAll()]))
    named = await bob.user(ann)
    (before,) = await bob(f.users.GetUsersRequest([named]))
    await ann(f.contacts.AddContactRequest(await ann.user(bob), "Bob", "", "", add_phone_privacy_exception=True))
    (after,) = await bob(f.users.GetUsersRequest([named]))
    same((before.phone, after.phone), (None, ann.phone[1:]))
    kept = await ann(f.account.GetPrivacyRequest(types.InputPrivacyKeyPhoneNumber()))
    true(any(isinstance(each, types.PrivacyValueAllowUsers) for each in kept.rules), "the exception among the rules")


@case(f.contacts.ResolvePhoneRequest, f.contacts.ResolveUsernameRequest, f.contacts.SearchRequest)
async def people_and_channels_are_found(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    by_phone = await ann(f.contacts.ResolvePhoneRequest(bob.phone))
    by_name = await ann(f.contacts.ResolveUsernameRequest(bob.username))
    same((by_phone.peer.user_id, by_name.peer.user_id), (bob.id, bob.id))
    same(by_phone.users[0].access_hash, by_name.users[0].access_hash)
    club = await house.club(bob, title="Findable")
    name = f"club_{bob.phone[-5:]}"
    await bob(f.channels.UpdateUsernameRequest(await bob.channel(club), name))
    found = await ann(f.contacts.ResolveUsernameRequest(name))
    same((found.peer.channel_id, found.chats[0].title), (club.channel_id, "Findable"))
    listed = await ann(f.contacts.SearchRequest(bob.username[:-1], 10))
    true(bob.id in {each.user_id for each in listed.results if isinstance(each, types.PeerUser)}, "Bob among strangers")
    same(listed.my_results, [])


@case(f.contacts.BlockRequest, f.contacts.UnblockRequest, f.contacts.GetBlockedRequest)
async def a_blocked_one_is_kept_out(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin, peer = await house.again(ann), await ann.peer(bob)
    same(await ann(f.contacts.BlockRequest(peer)), True)
    told = await twin.sees(types.UpdatePeerBlocked)
    same((told.peer_id.user_id, told.blocked), (bob.id, True))
    blocked = await ann(f.contacts.GetBlockedRequest(0, 10))
    same([each.peer_id.user_id for each in blocked.blocked], [bob.id])
    (seen,) = await bob(f.users.GetUsersRequest([await bob.user(ann)]))
    same(type(seen.status), types.UserStatusEmpty, "what the blocked one sees of the last visit")
    twin.news.clear()
    same(await ann(f.contacts.UnblockRequest(peer)), True)
    same((await twin.sees(types.UpdatePeerBlocked)).blocked, False)
    same((await ann(f.contacts.GetBlockedRequest(0, 10))).blocked, [])


@refusals
async def contacts(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    me, wrong = types.InputUserSelf(), types.InputUser(77, 77)
    yield "CONTACT_ID_INVALID", ann, f.contacts.AddContactRequest(me, "Me", "", "")
    yield "CONTACT_NAME_EMPTY", ann, f.contacts.AddContactRequest(await ann.user(bob), "", "", "")
    yield "USER_ID_INVALID", ann, f.contacts.AddContactRequest(wrong, "X", "", "")
    yield "USER_ID_INVALID", ann, f.contacts.DeleteContactsRequest([wrong])
    yield "PHONE_NOT_OCCUPIED", ann, f.contacts.ResolvePhoneRequest("+15558888888")
    yield "USERNAME_NOT_OCCUPIED", ann, f.contacts.ResolveUsernameRequest("nobody_at_all")
    yield "USERNAME_INVALID", ann, f.contacts.ResolveUsernameRequest("a b")
    yield "SEARCH_QUERY_EMPTY", ann, f.contacts.SearchRequest(" ", 10)
    yield "PEER_ID_INVALID", ann, f.contacts.BlockRequest(types.InputPeerUser(77, 77))
    yield "CONTACT_ID_INVALID", ann, f.contacts.BlockRequest(types.InputPeerSelf())
    await bob(f.contacts.BlockRequest(await bob.peer(ann)))
    yield "USER_IS_BLOCKED", ann, f.messages.SendMessageRequest(await ann.peer(bob), "let me in")
    yield "PEER_ID_INVALID", ann, f.contacts.UnblockRequest(types.InputPeerUser(77, 77))
