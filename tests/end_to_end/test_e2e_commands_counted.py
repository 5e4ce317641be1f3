"""How often the host is asked: a real vmware-cmd takes half a second and more each time."""

from collections import Counter

from hook_kit import Site


def count_calls_since(site: Site, before: int) -> Counter[tuple[str, ...]]:
    """Count the calls after the first ``before``, each by its VM, if any, and its action."""
    return Counter(tuple(call[:2]) for call in site.host.calls()[before:])


def test_a_chosen_vm_costs_two_commands_at_the_start_and_one_at_the_end(site: Site) -> None:
    vmxs = site.add_vms(6)
    site.choose("vm1", "vm2", "vm5")
    chosen = [vmxs[0], vmxs[1], vmxs[4]]
    with site.avtar() as avtar:
        avtar.wait_started()
        at_start = count_calls_since(site, 0)
        story = avtar.finish()
    assert story.start.exit_code == story.ended.exit_code == 0
    site.wait_settled()
    expected = [("-l",)]
    for vmx in chosen:
        expected += [(vmx, "getstate"), (vmx, "createsnapshot")]
    # Of the VMs that are not chosen there is not one.
    assert at_start == Counter(expected)
    at_the_end = count_calls_since(site, at_start.total())
    assert at_the_end == Counter((vmx, "removesnapshots") for vmx in chosen)


def test_a_vm_that_its_files_speak_against_costs_none(site: Site) -> None:
    with_foreign, fine = site.add_vms(2)
    site.host.take_admin_snapshot(with_foreign, "before the update")
    before = len(site.host.calls())
    story = site.back_up()
    assert story.start.flags(with_foreign) == ["LEFT_OUT"]
    site.wait_settled()
    assert count_calls_since(site, before) == Counter(
        [("-l",), *((fine, action) for action in ("getstate", "createsnapshot", "removesnapshots"))]
    )


def test_looking_costs_one_command_whatever_is_chosen(site: Site) -> None:
    site.add_vms(4)
    assert site.run("compare_backup").exit_code == 0
    assert count_calls_since(site, 0) == Counter([("-l",)])


def test_an_end_with_nothing_open_costs_none(site: Site) -> None:
    site.add_vms(2)
    site.choose("nobody")
    story = site.back_up()
    assert story.ended.exit_code == 0
    assert count_calls_since(site, 0) == Counter([("-l",)])
