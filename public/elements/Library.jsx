// The panel with every document's receipt and every model.
// Draws what tandem/ui/library_panel.py hands over. News comes over the socket, since Chainlit opens or closes its side
// panel whenever an element changes; wishes go by window.postMessage, since an action would make a conversation of its
// own. Knows nothing of how documents are read or models are run.
import { useEffect, useRef, useState } from "react"
import { useRecoilValue } from "recoil"
import { sessionState } from "@chainlit/react-client"
import { Tabs, TabsContent, TabsList, TabsTrigger } from "@/components/ui/tabs"
import { AlertTriangle, Download, ExternalLink, LogOut, RotateCcw, X } from "lucide-react"

const ask = (tandem, values) => window.postMessage({ tandem, ...values }, window.location.origin)
const filled = (template, value) => template.replace("{n}", () => value)
const digits = (value, n) => value.toLocaleString(props.texts.locale, { minimumFractionDigits: n, maximumFractionDigits: n })
const percent = (value) => filled(props.texts.units.percent, digits(value, 0))
const size = (mb) => (mb >= 1024 ? `${digits(mb / 1024, 1)} GB` : `${digits(mb, 0)} MB`)
const duration = (seconds) => {
  const { second, minute, hour } = props.texts.units
  if (seconds < 90) return filled(second, digits(seconds, 0))
  return seconds < 5400 ? filled(minute, digits(seconds / 60, 0)) : filled(hour, digits(seconds / 3600, 1))
}

function Model({ model, t }) {
  const [asked, setAsked] = useState("")
  const going = model.progress
  useEffect(() => setAsked(""), [model])
  const act = (what) => {
    setAsked(what)
    ask(what, { name: model.alias })
  }
  const word = { download: t.download_model, cancel: t.cancel, load: t.load, unload: t.unload }
  return (
    <div className="td-card" data-model-row={model.alias} data-model-state={model.state}>
      <div className="td-source-head">
        <span className="td-source-name">{model.alias}</span>
        <span className="td-tag">{t[`state_${model.state}`]}</span>
      </div>
      <div className="td-path">
        {[model.runtime, model.size_mb ? size(model.size_mb) : "", model.licence ? `${t.licence}: ${model.licence}` : ""].filter(Boolean).join(" · ")}
      </div>
      {going ? (
        <div role="status">
          <div className="td-meter td-meter-wide"><i style={{ width: `${going.percent}%` }} /></div>
          <div className="td-path">
            {[percent(going.percent), going.mb_per_s ? `${digits(going.mb_per_s, 1)} MB/s` : "",
              going.remaining_s !== null ? `${t.left}: ${duration(going.remaining_s)}` : ""].filter(Boolean).join(" · ")}
          </div>
        </div>
      ) : null}
      {model.note ? <div className="td-path">{model.note}</div> : null}
      {model.problem ? <div className="td-error" role="alert">{model.problem}</div> : null}
      {model.ask ? (
        <button type="button" className="td-button td-button-line" data-action={model.ask} disabled={!!asked} onClick={() => act(model.ask)}>
          {model.ask === "download" ? <Download size={14} /> : null}{model.ask === "cancel" ? <X size={14} /> : null}
          {asked ? t.working : word[model.ask]}
        </button>
      ) : null}
    </div>
  )
}

function Documents({ documents, administers, t }) {
  const [text, setText] = useState("")
  const [state, setState] = useState("")
  const first = useRef(true)
  useEffect(() => {
    if (first.current) {
      first.current = false
      return
    }
    const timer = setTimeout(() => ask("find", { text, state }), 200)
    return () => clearTimeout(timer)
  }, [text, state])
  const retry = (name) => ask("retry", { name, text, state })
  const count = (label, n) => (n ? `${label}: ${digits(n, 0)}` : "")
  return (
    <div data-testid="documents">
      <input className="td-input" type="search" value={text} placeholder={t.search_documents} aria-label={t.search_documents}
        onChange={(event) => setText(event.target.value)} />
      <div className="td-chips td-filters">
        {["", "failed", "indexed", ...(documents.counts.other ? ["other"] : [])].map((s) => (
          <button key={s} type="button" className="td-chip td-filter" aria-pressed={state === s} data-filter={s || "all"} onClick={() => setState(s)}>
            {t[s || "all"]} <span className="td-muted">{digits(documents.counts[s], 0)}</span>
          </button>
        ))}
        {administers && documents.counts.failed ? (
          <button type="button" className="td-button" data-action="retry-all" disabled={!!documents.busy} onClick={() => retry("")}>
            <RotateCcw size={14} /> {documents.busy === "all" ? t.retrying : t.retry_all}
          </button>
        ) : null}
      </div>
      {documents.rows.map((row) => (
        <div key={row.key} className="td-card" data-document={row.path} data-document-state={row.state}>
          <div className="td-source-head">
            {row.state === "failed" ? <AlertTriangle size={15} className="td-error-icon" /> : null}
            <span className="td-source-name">{row.path}</span>
            {(row.collections || []).map((name) => <span key={name} className="td-tag" data-collection={name}>{name}</span>)}
            <span className="td-tag">{t[row.state]}</span>
          </div>
          <div className="td-path">
            {[count(t.pages, row.pages), count(t.passages_count, row.passages), count(t.characters, row.characters), row.state === "other" ? "" : `${t.seconds}: ${digits(row.seconds, 2)}`].filter(Boolean).join(" · ")}
          </div>
          {row.document ? (
            <a className="td-link td-open" target="_blank" rel="noopener" href={`/source/document/${row.document}?lang=${props.language}`}>
              <ExternalLink size={13} aria-hidden="true" /> {t.open_document}
            </a>
          ) : null}
          {row.reason ? <div className={row.state === "failed" ? "td-error" : "td-path"}>{row.reason}</div> : null}
          {administers && row.state === "failed" ? (
            <button type="button" className="td-button td-button-line" data-action="retry" disabled={!!documents.busy} onClick={() => retry(row.key)}>
              <RotateCcw size={14} /> {documents.busy === row.key ? t.retrying : t.retry}
            </button>
          ) : null}
        </div>
      ))}
      {!documents.rows.length ? <div className="td-empty">{t.no_documents}</div> : null}
      {documents.matching > documents.rows.length ? (
        <div className="td-empty">{t.more_documents}: {digits(documents.matching - documents.rows.length, 0)}</div>
      ) : null}
    </div>
  )
}

// The header's own menu signs this browser out; here, every browser of the person.
function SignOut({ t }) {
  const [state, setState] = useState("")
  const leave = async () => {
    setState("working")
    try {
      const reply = await fetch("/logout?everywhere=true", { method: "POST" })
      if (!reply.ok) throw new Error(reply.status)
      window.location.assign("/login")
    } catch {
      setState("failed")
    }
  }
  return (
    <div className="td-chips">
      <button type="button" className="td-button td-button-line" data-action="sign-out-everywhere" disabled={state === "working"} onClick={leave}>
        <LogOut size={14} /> {state === "working" ? t.working : t.sign_out_everywhere}
      </button>
      {state === "failed" ? <div className="td-error" role="alert">{t.sign_out_failed}</div> : null}
    </div>
  )
}

export default function Library() {
  const session = useRecoilValue(sessionState)
  const socket = session && session.socket
  const [news, setNews] = useState({})
  const [shown, setShown] = useState(props.tab || "documents")
  useEffect(() => {
    if (!socket) return
    const hear = (change) => {
      setNews((before) => ({ ...before, ...change }))
      if (change.tab) setShown(change.tab)
    }
    socket.on("library", hear)
    return () => socket.off("library", hear)
  }, [socket])
  const { documents, texts: t } = { ...props, ...news }
  const models = news.models || props.models

  return (
    <div className="td-panel" data-testid="library">
      <Tabs value={shown} onValueChange={setShown}>
        <TabsList className="td-tabs td-tabs-two">
          <TabsTrigger value="documents" data-tab="documents">{t.documents}</TabsTrigger>
          <TabsTrigger value="models" data-tab="models">{t.models}</TabsTrigger>
        </TabsList>
        <TabsContent value="documents">{documents ? <Documents documents={documents} administers={props.administers} t={t} /> : null}</TabsContent>
        <TabsContent value="models"><div>{models.map((m) => <Model key={`${m.runtime}/${m.alias}`} model={m} t={t} />)}</div></TabsContent>
      </Tabs>
      {props.signed_in ? <a className="td-link" data-way="account" href="/account">{t.account_link}</a> : null}
      {props.signed_in && props.administrator ? <a className="td-link" data-way="administration" href="/administration">{t.administration}</a> : null}
      {props.signed_in ? <SignOut t={t} /> : null}
    </div>
  )
}
