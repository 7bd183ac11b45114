-- Lists of tenants for people, and which of them need attention.

-- fragment: needs_attention
-- Does somebody have to look at this tenant? It failed, has a stall, or is in a transient state since before its cutoff.
-- A tenant that a person cancelled and that is settled needs nobody until `untouched_before`.
(state = 'Failed'
        and not (cancelled and substate in ('settled', 'ready') and state_since >= %(untouched_before)s::timestamptz))
    or (state in ('Cancelling', 'Decommissioning') and state_since < %(in_between_before)s::timestamptz)
    or (state = 'Provisioning' and state_since < %(provisioning_before)s::timestamptz)
    or stall is not null

-- fragment: open_group
-- The newest open incident group that the tenant of `page` belongs to.
  left join lateral (
       select c.id as class_issue, c.members as class_tenants
         from ledger.class_member as m join ledger.class_issue as c on c.id = m.class_id
        where m.tenant_id = page.id and m.left_at is null and c.closed_at is null
        order by c.id desc limit 1) as belongs on true

-- name: tenant_summaries
-- Tenants that match the filters, newest first, behind a position.
-- `few`: the ids that match the text, where they are few. The incident group is looked up for the tenants of this page only.
with page as materialized (
select id, slug, name, plan, region, product, admin_email, state::text, substate::text, attempt, generation, run_id, activity,
       seq, predecessor, created_at, state_since, needs_attention, held, activity_since, turn_since, held_by,
       stall, stall_activity, stall_cause, stall_said, stall_at, held_at, activity_cause, activity_said,
       activity_cause_at, cancelled, past_no_return, escalated, escalation_sent, failures, failure_cause, repeats
  from ledger.tenant
 cross join lateral (
       select ${needs_attention}
              as needs_attention
       ) as judged
 where (%(id)s::uuid is null or id = %(id)s)
   and (%(state)s::text is null or state = %(state)s::text::ledger.tenant_state)
   and (%(substate)s::text is null or substate = %(substate)s::text::ledger.failed_substate)
   and (%(region)s::text is null or region = %(region)s)
   and (%(plan)s::text is null or plan = %(plan)s)
   and (%(product)s::text is null or product = %(product)s)
   and (not %(attention)s or needs_attention)
   and (%(few)s::uuid[] is null or id = any(%(few)s::uuid[]))
   and (%(text)s::text is null
        or starts_with(slug, lower(%(text)s))
        or id between %(first_id)s::uuid and %(last_id)s::uuid
        or ledger.name_words(name) @@ ledger.words_begin(%(text)s))
   and (%(before_at)s::timestamptz is null or (created_at, id) < (%(before_at)s, %(before_id)s::uuid))
 order by created_at desc, id desc
 limit %(limit)s)
select page.*, belongs.class_issue, belongs.class_tenants from page
${open_group}
 order by page.created_at desc, page.id desc;

-- name: tenants_matching_text
-- Tenants whose slug or id (as first and last id) begins with the text, or whose name has words that begin with its words.
select id from ledger.tenant
 where starts_with(slug, lower(%(text)s::text))
    or id between %(first_id)s::uuid and %(last_id)s::uuid
    or ledger.name_words(name) @@ ledger.words_begin(%(text)s)
 limit %(limit)s;

-- name: tenants_needing_attention
-- Tenants that need attention, newest first. Filtered before they are sorted, since they are few.
with judged as materialized (
    select * from ledger.tenant
     where ${needs_attention})
select id, slug, name, plan, region, product, admin_email, state::text, substate::text, attempt, generation, run_id, activity,
       seq, predecessor, created_at, state_since, true as needs_attention, held, activity_since, turn_since, held_by,
       stall, stall_activity, stall_cause, stall_said, stall_at, held_at, activity_cause, activity_said,
       activity_cause_at, cancelled, past_no_return, escalated, escalation_sent, failures, failure_cause, repeats,
       belongs.class_issue, belongs.class_tenants
  from (select * from judged order by created_at desc, id desc limit %(limit)s) as page
${open_group}
 order by created_at desc, id desc;

-- name: count_needing_attention
-- How many tenants need attention.
select count(*) as tenants from ledger.tenant
 where ${needs_attention};
