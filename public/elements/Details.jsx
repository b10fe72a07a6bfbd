// The one side panel: where an answer's time went, its sources, and why it was kept or escalated.
// Draws what tandem/ui/panel.py hands over. Knows nothing of how it came about.
import { useEffect, useRef, useState } from "react"
import { Tabs, TabsContent, TabsList, TabsTrigger } from "@/components/ui/tabs"
import { ExternalLink } from "lucide-react"

const REMEMBERED = "tandem-tab"
const TABS = ["sources", "latency", "decision"]

const SHARES = ["support", "weakest_support", "confidence", "repetition"]
const FLAGS = ["refused", "truncated", "faulty_arithmetic", "language_mismatch"]

const known = (value) => value !== null && value !== undefined
const { counted, digits, percent, seconds } = window.tandemFormats(() => props.texts) // public/formats.js
const ms = (value) => {
  if (!known(value)) return "–"
  if (value >= 10000) return seconds(value / 1000, 1)
  if (value >= 999.5) return seconds(value / 1000, 2)
  return value >= 9.95 ? `${digits(value, 0)} ms` : `${digits(value, 1)} ms`
}
const hundredth = (value) => Math.round(100 * Math.min(1, Math.max(0, value)))
const share = (value) => percent(hundredth(value))
const rate = (value) => (known(value) ? digits(value, value >= 100 ? 0 : 1) : "–")

function Figure({ label, value }) {
  return <div className="td-figure"><div className="td-figure-value">{value}</div><div className="td-figure-label">{label}</div></div>
}

function Waterfall({ latency, t }) {
  const end = Math.max(latency.total_ms || 0, 0.1, ...latency.spans.map((s) => s.start_ms + s.duration_ms))
  const stages = [...new Set(latency.spans.map((s) => s.stage))]
  const worth = (s) => s.name !== "first_content" || s.duration_ms >= 1
  return (
    <div className="td-waterfall" data-testid="waterfall">
      {latency.spans.filter(worth).map((s, i) => (
        <div key={i} className="td-span" data-span={s.name} data-stage={s.stage}
          title={`${t.stages[s.stage || "own"] || s.stage} · ${t.spans[s.name] || s.name}: ${ms(s.start_ms)} → ${ms(s.start_ms + s.duration_ms)}`}>
          <span className="td-span-name">{t.spans[s.name] || s.name.replace(/_/g, " ")}</span>
          <span className="td-span-track">
            <span className={`td-span-bar td-stage-${s.stage || "own"}`} style={{
              left: `min(${(100 * s.start_ms) / end}%, calc(100% - 3px))`, width: `max(3px, ${(100 * s.duration_ms) / end}%)`
            }} />
          </span>
          <span className="td-span-ms">{ms(s.duration_ms)}</span>
        </div>
      ))}
      <div className="td-axis"><span /><span className="td-axis-ticks"><span>0</span><span>{ms(end / 2)}</span><span>{ms(end)}</span></span><span /></div>
      <div className="td-legend">
        {stages.map((s) => <span key={s}><i className={`td-stage-${s || "own"}`} />{t.stages[s || "own"] || s}</span>)}
      </div>
    </div>
  )
}

// While the answer is written: the span that is open grows, between what the server tells.
function Live({ live, t }) {
  const [now, setNow] = useState(0)
  useEffect(() => {
    const began = performance.now()
    setNow(0)
    const timer = setInterval(() => setNow(performance.now() - began), 200)
    return () => clearInterval(timer)
  }, [JSON.stringify(live)])
  const total = live.total_ms + now
  const spans = live.spans.map((s) => ({ ...s, duration_ms: known(s.duration_ms) ? s.duration_ms : total - s.start_ms }))
  return <div data-testid="live"><Waterfall latency={{ total_ms: total, spans }} t={t} /></div>
}

function Row({ label, children }) {
  return <div className="td-row"><span>{label}</span><span>{children}</span></div>
}

function Latency({ latency, t }) {
  const writing = latency.spans.filter((s) => s.name === "last_token").map((s) => s.start_ms)
  const last = [...latency.stages].reverse().find((s) => known(s.tokens_per_second))
  const kept = latency.conversation || {}
  const figures = [["total_ms", t.total, ms], ["first_content_ms", t.first, ms], ["tokens_per_second", t.speed, rate]].filter(([k]) => kept[k])
  const count = Math.max(0, ...figures.map(([k]) => kept[k].count))
  return (
    <div>
      <div className="td-figures">
        <Figure label={t.total} value={ms(latency.total_ms)} />
        <Figure label={t.first} value={writing.length ? ms(Math.min(...writing)) : "–"} />
        <Figure label={t.speed} value={last ? rate(last.tokens_per_second) : "–"} />
      </div>
      <Waterfall latency={latency} t={t} />
      {latency.stages.length ? <h3 className="td-heading">{t.models}</h3> : null}
      {latency.stages.map((s, i) => (
        <div key={i} className="td-card" data-model={s.model}>
          <div className="td-card-title">
            <i className={`td-dot td-stage-${s.stage}`} />{s.runtime === "extractive" ? t.quoted : s.model}
            <span className="td-muted">{t.stages[s.stage || "own"] || s.stage}{s.runtime !== "extractive" ? ` · ${s.runtime}` : ""}</span>
          </div>
          {s.runtime !== "extractive" ? (
            <>
              {known(s.prompt_tokens) ? (
                <Row label={t.prompt}>{s.prompt_tokens}{s.cached_tokens ? ` (${t.cached}: ${s.cached_tokens})` : ""}</Row>
              ) : null}
              {known(s.completion_tokens) ? (
                <Row label={t.completion}>
                  {s.completion_tokens}{s.estimated ? ` (${t.estimated})` : ""}{s.reasoning_tokens ? ` (${t.thought}: ${s.reasoning_tokens})` : ""}
                </Row>
              ) : null}
              {known(s.tokens_per_second) ? <Row label={t.speed}>{rate(s.tokens_per_second)}</Row> : null}
              {known(s.first_content_ms) ? <Row label={t.first}>{ms(s.first_content_ms)}</Row> : null}
              {s.finish_reason ? <Row label={t.end}>{t.ends[s.finish_reason] || s.finish_reason}</Row> : null}
            </>
          ) : null}
          {s.error ? <div className="td-error">{s.error}</div> : null}
        </div>
      ))}
      {figures.length ? (
        <>
          <h3 className="td-heading">{t.conversation} <span className="td-muted">{counted(t.answers, count)}</span></h3>
          <table className="td-table" data-testid="conversation">
            <thead><tr><td /><th>{t.p50}</th><th>{t.p95}</th></tr></thead>
            <tbody>
              {figures.map(([k, label, show]) => (
                <tr key={k}><th>{label}</th><td>{show(kept[k].p50)}</td><td>{show(kept[k].p95)}</td></tr>
              ))}
            </tbody>
          </table>
          {figures.some(([k]) => !known(kept[k].p95)) ? <div className="td-muted td-small">{t.p95Note}</div> : null}
        </>
      ) : null}
    </div>
  )
}

// The document itself, in a tab of its own, in the language of the chat.
const opened = (link) => `${link}${link.includes("?") ? "&" : "?"}lang=${props.language}#sentence`

// A long name may break after its signs, never within a word.
const breakable = (text) => text.split(/([^\s_/\\]{3,}[_/\\]+)(?=[^\s_/\\])/).filter(Boolean).flatMap((part, i) => (i ? [<wbr key={i} />, part] : [part]))

const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches

// `keyboard`: whoever came here with a key goes on here.
function Source({ source, active, keyboard, unchecked, t }) {
  const ref = useRef(null)
  const [all, setAll] = useState(false)
  const long = source.parts.reduce((n, p) => n + p.text.length, 0) > 700
  const folder = source.document.includes("/") ? source.document.slice(0, source.document.lastIndexOf("/") + 1) : ""
  const name = source.document.slice(folder.length)
  useEffect(() => {
    if (!active || !ref.current) return
    ref.current.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" })
    if (keyboard) ref.current.focus({ preventScroll: true })
  }, [active])
  return (
    <article ref={ref} tabIndex={-1} aria-label={`${source.n}: ${name}`} className={`td-card td-source${active ? " td-source-active" : ""}`} data-source-card={source.n}>
      <header className="td-source-head">
        <span className={`td-chip-n${source.cited ? "" : " td-chip-n-off"}`}>{source.n}</span>
        <span className="td-source-name">{folder ? <span className="td-muted">{folder}</span> : null}{name}</span>
        <span className="td-tag">{source.page ? `${t.page} ${source.page} · ` : ""}{source.picture ? `${t.picture} · ` : ""}{unchecked ? t.unchecked : source.cited ? t.cited : t.uncited}</span>
      </header>
      {source.headings.length ? <div className="td-path" dir="auto">{source.headings.join(" › ")}</div> : null}
      <div className={`td-passage${long && !all && !active ? " td-passage-cut" : ""}`}>
        {source.parts.map((p, i) => (p.mark ? <mark key={i}>{breakable(p.text)}</mark> : <span key={i}>{breakable(p.text)}</span>))}
      </div>
      {source.link ? (
        <a className="td-link td-open" data-open={source.n} target="_blank" rel="noopener" href={opened(source.link)}>
          <ExternalLink size={13} aria-hidden="true" /> {t.open}
        </a>
      ) : null}
      {long && !active ? <button type="button" className="td-link" onClick={() => setAll(!all)}>{all ? t.less : t.more}</button> : null}
    </article>
  )
}

// One sentence of a version, and whether the sources bear it.
function Version({ text, support, gone, t }) {
  return (
    <div className={`td-version td-version-${gone ? "gone" : "new"}`}>
      {gone ? <del>{text}</del> : <ins>{text}</ins>}{" "}
      <span className={`td-verdict td-verdict-${support}`}>{t.verdicts[support]}</span>
    </div>
  )
}

function Changes({ decision, t }) {
  const all = decision.changes || []
  const changed = all.filter((c) => c.kind !== "same")
  const why = decision.not_shown || []
  return (
    <>
      {why.length ? (
        <>
          <h3 className="td-heading">{t.notShown}</h3>
          <ul className="td-why" data-testid="not-shown">{why.map((text, i) => <li key={i}>{text}</li>)}</ul>
        </>
      ) : null}
      {changed.length ? (
        <>
          <h3 className="td-heading">{decision.outcome === "draft_stands" ? t.wouldChange : t.changes}</h3>
          <div data-testid="changes">
            {changed.map((c, i) => (
              <div key={i} className="td-card td-change" data-change={c.kind}>
                <div className="td-muted td-small">{t.kinds[c.kind]}</div>
                {c.before ? <Version text={c.before} support={c.before_support} gone t={t} /> : null}
                {c.after ? <Version text={c.after} support={c.after_support} t={t} /> : null}
              </div>
            ))}
            {all.length > changed.length ? <div className="td-muted td-small">{counted(t.same, all.length - changed.length)}</div> : null}
          </div>
        </>
      ) : null}
    </>
  )
}

const MONEY = ["money", "always_large", "always_small", "saved", "cloud"]
const TOKENS = ["prompt", "cached", "completion", "reasoning"]

// What the answer took, beside the whole conversation, against either model alone.
function Cost({ cost, whole, t }) {
  const columns = [cost, whole].filter(Boolean)
  const label = { money: t.spent, always_large: t.large, always_small: t.small, saved: t.saved, cloud: t.cloud }
  const busy = { money: "seconds", always_large: "always_large_seconds", always_small: "always_small_seconds" }
  // What is next to nothing is said as that, not in six decimals.
  const money = (value) => {
    const size = Math.abs(value)
    if (size < 5e-7) return digits(0, 0)
    if (size < 0.0001) return `< ${digits(0.0001, 4)}`
    return size >= 1 ? digits(value, 2) : value.toLocaleString(t.locale, { maximumSignificantDigits: 2 })
  }
  return (
    <>
      <h3 className="td-heading">{t.cost} <span className="td-muted">{cost.currency}</span></h3>
      <table className="td-table td-costs" data-testid="costs">
        <thead><tr><td /><th>{t.answer}</th>{whole ? <th>{t.whole}</th> : null}</tr></thead>
        <tbody>
          {MONEY.filter((name) => columns.every((c) => known(c[name]))).map((name) => (
            <tr key={name} data-cost={name}>
              <th>{label[name]}</th>
              {columns.map((c, i) => (
                <td key={i}>{money(c[name])}{busy[name] ? <div className="td-muted td-small">{seconds(c[busy[name]], 1)}</div> : null}</td>
              ))}
            </tr>
          ))}
          {TOKENS.filter((kind) => columns.some((c) => c.tokens[kind])).map((kind) => (
            <tr key={kind} data-tokens={kind}>
              <th>{t.tokens[kind]}</th>
              {columns.map((c, i) => <td key={i}>{digits(c.tokens[kind], 0)}</td>)}
            </tr>
          ))}
          {whole ? <tr data-cost="escalated"><th>{t.escalated}</th>{columns.map((c, i) => <td key={i}>{c.escalated} / {c.answers}</td>)}</tr> : null}
        </tbody>
      </table>
      {columns.some((c) => c.estimated) ? <div className="td-muted td-small">{t.estimatedTokens}</div> : null}
    </>
  )
}

function Decision({ decision, t }) {
  const signals = Object.entries(decision.signals || {})
  const show = (name, value) => {
    if (SHARES.includes(name)) return share(value)
    if (FLAGS.includes(name)) return value ? t.yes : t.no
    return digits(value, Number.isInteger(value) ? 0 : 2)
  }
  return (
    <div>
      <div className={`td-outcome td-outcome-${decision.outcome}`} data-testid="outcome" data-outcome={decision.outcome}>
        {t.outcomes[decision.outcome]}
      </div>
      {decision.reasons.length ? (
        <>
          <h3 className="td-heading">{t.why}</h3>
          <ul className="td-why">{decision.reasons.map((r, i) => <li key={i}>{r}</li>)}</ul>
        </>
      ) : null}
      <div className="td-card td-rows">
        {decision.model ? <Row label={t.by}>{decision.runtime === "extractive" ? t.quoted : decision.model}</Row> : null}
        {known(decision.support) ? <Row label={t.support}>{share(decision.support)}</Row> : null}
        {decision.estimated && known(decision.probability) ? <Row label={t.probability}>{share(decision.probability)}</Row> : null}
        {decision.policy ? <Row label={t.policy}>{t.policies[decision.policy] || decision.policy}</Row> : null}
        {decision.query ? <Row label={t.searched}>{decision.query}</Row> : null}
      </div>
      <Changes decision={decision} t={t} />
      {decision.cost ? <Cost cost={decision.cost} whole={decision.blended} t={t} /> : null}
      {signals.length ? (
        <>
          <h3 className="td-heading">{t.signals}</h3>
          <div className="td-card td-rows" data-testid="signals">
            {signals.map(([name, value]) => (
              <div key={name}>
                <Row label={t.signal[name] || name.replace(/_/g, " ")}>{show(name, value)}</Row>
                {SHARES.includes(name) ? <div className="td-meter"><i style={{ width: `${hundredth(value)}%` }} /></div> : null}
              </div>
            ))}
          </div>
        </>
      ) : null}
    </div>
  )
}

const firstTab = () => {
  try {
    const kept = window.localStorage.getItem(REMEMBERED)
    return TABS.includes(kept) ? kept : "sources"
  } catch {
    return "sources"
  }
}

export default function Details() {
  const t = props.texts
  const focus = props.focus || {}
  const tabs = props.tabs || TABS
  const [chosen, setTab] = useState(focus.tab || firstTab())
  const tab = tabs.includes(chosen) ? chosen : tabs[0]
  const choose = (next) => {
    setTab(next)
    try { window.localStorage.setItem(REMEMBERED, next) } catch { /* private windows may refuse */ }
  }
  useEffect(() => { if (focus.tab) setTab(focus.tab) }, [focus.at])
  const waiting = <p className="td-empty">{props.running ? t.running : t.nothing}</p>
  const sources = props.sources || []
  return (
    <div className="td-panel" data-testid="details">
      <Tabs value={tab} onValueChange={choose}>
        <div className="td-top">
          {props.question ? <h2 className="td-question">{props.question}</h2> : null}
          <TabsList className="td-tabs">
            {tabs.map((name) => <TabsTrigger key={name} value={name} data-tab={name}>{t[name]}</TabsTrigger>)}
          </TabsList>
        </div>
        <TabsContent value="latency">{props.live ? <Live live={props.live} t={t} /> : props.latency ? <Latency latency={props.latency} t={t} /> : waiting}</TabsContent>
        <TabsContent value="sources">
          {sources.length ? sources.map((s) => (
            <Source key={`${s.n}-${focus.source === s.n ? focus.at : ""}`} source={s} active={focus.source === s.n} keyboard={focus.keyboard} unchecked={props.running || props.unchecked} t={t} />
          )) : <p className="td-empty">{props.sources ? t.noSources : t.nothing}</p>}
        </TabsContent>
        <TabsContent value="decision">{props.decision ? <Decision decision={props.decision} t={t} /> : waiting}</TabsContent>
      </Tabs>
    </div>
  )
}
