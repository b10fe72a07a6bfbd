// The panel with every document's receipt and every model.
// Draws what tandem/ui/library_panel.py hands over. News comes over the socket, since Chainlit opens or closes its side
// panel whenever an element changes; wishes go by window.postMessage, since an action would make a conversation of its
// own. Knows nothing of how documents are read or models are run.
import { useEffect, useRef, useState } from "react"
import { useRecoilValue } from "recoil"
import { sessionState, useChatInteract } from "@chainlit/react-client"
import { Tabs, TabsContent, TabsList, TabsTrigger } from "@/components/ui/tabs"
import { AlertTriangle, ChevronLeft, Download, ExternalLink, FilePlus2, Folder, Link, LogOut, RotateCcw, Trash2, X } from "lucide-react"

// The group of what was added here: see tandem/ui/library_rows.py.
const ADDED = ":added"
const PROGRESS_MS = 3000

const ask = (tandem, values) => window.postMessage({ tandem, ...values }, window.location.origin)
// Words that stay on one line.
const whole = (text) => text.replaceAll(" ", "\u00a0")
const { filled, digits, percent, size, day, duration } = window.tandemFormats(() => props.texts) // public/formats.js

// How far something is that comes over the network.
function Coming({ going, t }) {
  if (!going) return null
  return (
    <div role="status">
      <div className="td-meter td-meter-wide"><i style={{ width: `${going.percent}%` }} /></div>
      <div className="td-path">
        {[percent(going.percent), going.mb_per_s ? `${digits(going.mb_per_s, 1)} MB/s` : "",
          going.remaining_s !== null ? `${t.left}: ${duration(going.remaining_s)}` : ""].filter(Boolean).join(" · ")}
      </div>
    </div>
  )
}

// The encoders that are missing: what they bring and cost, and one button.
function Encoders({ encoders, t }) {
  const [asked, setAsked] = useState("")
  useEffect(() => setAsked(""), [encoders])
  if (!encoders) return null
  const { missing, fetching } = encoders
  const lacking = (which) => missing.some((one) => one.which === which)
  const why = lacking("all") ? t.encoders_why : lacking("english") ? t.encoders_why_english : t.encoders_why_reader
  const state = fetching ? "downloading" : missing.length ? "downloadable" : "ready"
  const act = (what) => {
    setAsked(what)
    ask(what)
  }
  return (
    <section className="td-card" data-testid="encoders" data-encoders-state={state} aria-label={t.encoders}>
      <div className="td-source-head">
        <span className="td-source-name">{t.encoders}</span>
        <span className="td-tag">{t[`state_${state}`]}</span>
      </div>
      <div className="td-path">
        {missing.length ? why : t.encoders_here}
      </div>
      <ul className="td-parts">
        {missing.map((one) => (
          <li key={one.which} data-encoder={one.which}>
            {one.model}
            <div className="td-path">{[t[`encoder_${one.which}`], size(one.size_mb), `${t.licence}: ${one.licence}`].map(whole).join(" · ")}</div>
          </li>
        ))}
      </ul>
      <Coming going={fetching} t={t} />
      {encoders.problem && !fetching ? <div className="td-error" role="alert">{encoders.problem}</div> : null}
      {fetching ? (
        <button type="button" className="td-button td-button-line" data-action="cancel-encoders" disabled={!!asked} onClick={() => act("cancel_encoders")}>
          <X size={14} aria-hidden="true" /> {asked ? t.working : t.cancel}
        </button>
      ) : missing.length ? (
        <button type="button" className="td-button td-button-line" data-action="fetch-encoders" disabled={!!asked} onClick={() => act("fetch_encoders")}>
          <Download size={14} aria-hidden="true" /> {asked ? t.working : filled(t.encoders_fetch, { size: size(encoders.size_mb) })}
        </button>
      ) : null}
    </section>
  )
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
      <Coming going={going} t={t} />
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

function Document({ row, administers, busy, retry, remove, t }) {
  const [sure, setSure] = useState(false)
  const count = (label, n) => (n ? `${label}: ${digits(n, 0)}` : "")
  const about = [
    count(t.pages, row.pages), count(t.passages_count, row.passages), count(t.characters, row.characters),
    row.state === "other" ? "" : `${t.seconds}: ${digits(row.seconds, 2)}`, row.changed ? filled(t.changed_on, { day: day(row.changed) }) : ""
  ]
  return (
    <div className="td-card" data-document={row.path} data-document-state={row.state}>
      <div className="td-source-head">
        {row.state === "failed" ? <AlertTriangle size={15} className="td-error-icon" /> : null}
        <span className="td-source-name">{row.path}</span>
        {(row.collections || []).map((name) => <span key={name} className="td-tag" data-collection={name}>{name}</span>)}
        <span className="td-tag">{t[row.state]}</span>
      </div>
      <div className="td-path">{about.filter(Boolean).map(whole).join(" · ")}</div>
      {row.reason ? <div className={row.state === "failed" ? "td-error" : "td-path"}>{row.reason}</div> : null}
      <div className="td-deeds">
        {row.document ? (
          <a className="td-button td-button-line" data-open={row.document} target="_blank" rel="noopener" href={`/source/document/${row.document}?lang=${props.language}`}>
            <ExternalLink size={13} aria-hidden="true" /> {t.open_document}
          </a>
        ) : null}
        {administers && row.state !== "other" ? (
          <button type="button" className="td-button td-button-line" data-action="retry" disabled={!!busy} onClick={() => retry(row.key)}>
            <RotateCcw size={14} /> {busy === row.key ? t.retrying : row.state === "failed" ? t.retry : t.read_again}
          </button>
        ) : null}
        {props.administrator && row.folder === ADDED && !sure ? (
          <button type="button" className="td-button td-button-line" data-action="remove" onClick={() => setSure(true)}>
            <Trash2 size={14} /> {t.remove_it}
          </button>
        ) : null}
      </div>
      {sure ? (
        <div className="td-deeds" role="group" aria-label={t.remove_sure}>
          <span className="td-error">{t.remove_sure}</span>
          <button type="button" className="td-button td-button-line" data-action="remove-sure" autoFocus onClick={() => remove(row.key)}>{t.remove_it}</button>
          <button type="button" className="td-button td-button-line" onClick={() => setSure(false)}>{t.keep_it}</button>
        </div>
      ) : null}
    </div>
  )
}

// Files go to the server as those of a conversation do; then the library is asked to take them.
function Adding({ added, wish, t }) {
  const { uploadFile } = useChatInteract()
  const [sending, setSending] = useState(null)
  const [over, setOver] = useState(false)
  const [failed, setFailed] = useState("")
  const input = useRef(null)
  useEffect(() => setSending(null), [added])
  const send = async (files) => {
    const chosen = [...files]
    if (!chosen.length) return
    setFailed("")
    setSending(0)
    const ids = []
    for (const [place, file] of chosen.entries()) {
      try {
        const { promise } = uploadFile(file, (percentage) => setSending((100 * place + percentage) / chosen.length))
        ids.push((await promise).id)
      } catch (error) {
        setFailed(`${filled(t.add_failed, { name: file.name })} ${(error && error.detail) || ""}`)
      }
    }
    if (ids.length) ask("add", { files: ids, ...wish })
    else setSending(null)
  }
  const drop = (event) => {
    event.preventDefault()
    event.stopPropagation()
    setOver(false)
    send(event.dataTransfer.files)
  }
  const hold = (event) => { event.preventDefault(); event.stopPropagation(); setOver(event.type !== "dragleave") }
  return (
    <div className={`td-drop ${over ? "td-drop-over" : ""}`} data-testid="adding" onDragEnter={hold} onDragOver={hold} onDragLeave={hold} onDrop={drop}>
      <input ref={input} type="file" multiple hidden onChange={(event) => { send(event.target.files); event.target.value = "" }} />
      <button type="button" className="td-button td-button-line" data-action="add" disabled={sending !== null} onClick={() => input.current.click()}>
        <FilePlus2 size={14} /> {t.add_documents}
      </button>
      <span className="td-path">{t.drop_documents}</span>
      {sending !== null ? (
        <div role="status" className="td-drop-wide">
          <div className="td-meter td-meter-wide"><i style={{ width: `${sending}%` }} /></div>
          <div className="td-path">{sending < 100 ? t.sending : t.retrying}</div>
        </div>
      ) : null}
      {failed ? <div className="td-error td-drop-wide" role="alert">{failed}</div> : null}
      {sending === null && added ? (
        <div className="td-drop-wide" role="status">
          <ul className="td-drop-wide">
            {added.map((one, place) => (
              <li key={place} data-added={one.path} data-added-state={one.state} className={one.state === "failed" ? "td-error" : "td-path"}>
                {one.path}: {[t[one.state], one.passages ? `${t.passages_count}: ${digits(one.passages, 0)}` : "", one.reason].filter(Boolean).join(" · ")}
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  )
}

function Progress({ progress, t }) {
  if (!progress) return null
  const { done, total, seconds_left: left } = progress
  return (
    <div className="td-card" role="status" data-testid="indexing">
      <div className="td-path">
        {[filled(t.indexing_now, { done: digits(done, 0), total: digits(total, 0) }),
          left !== null && left !== undefined ? `${t.left}: ${duration(left)}` : ""].filter(Boolean).join(" · ")}
      </div>
      <div className="td-meter td-meter-wide"><i style={{ width: `${(100 * done) / Math.max(1, total)}%` }} /></div>
    </div>
  )
}

// How far passages are with their vectors.
function Vectors({ vectors, t }) {
  if (!vectors) return null
  const { done, total, step, steps, seconds_left: left } = vectors
  return (
    <div className="td-card" role="status" data-testid="vectors">
      <div className="td-path">
        {[filled(t.vectors_now, { done: digits(done, 0), total: digits(total, 0) }), steps > 1 ? filled(t.vectors_step, { step, steps }) : "",
          left !== null ? `${t.left}: ${duration(left)}` : ""].filter(Boolean).join(" · ")}
      </div>
      <div className="td-meter td-meter-wide"><i style={{ width: `${(100 * done) / Math.max(1, total)}%` }} /></div>
    </div>
  )
}

// What is looked at, as a link that whoever may see it opens: see public/linking.js.
function Linked({ wish, t }) {
  const [said, setSaid] = useState("")
  useEffect(() => setSaid(""), [JSON.stringify(wish)])
  const copy = () => window.tandemCopy(window.tandemLink(wish)).then(() => setSaid(t.link_copied), () => setSaid(window.tandemLink(wish)))
  return (
    <>
      <button type="button" className="td-button" data-action="copy-link" title={t.copy_link_title} onClick={copy}>
        <Link size={14} aria-hidden="true" /> {t.copy_link}
      </button>
      <span className="td-path td-said" role="status">{said}</span>
    </>
  )
}

// `opened` is what a link asks for; the next one begins anew.
function Documents({ documents, opened, added, progress, vectors, administers, t }) {
  const [text, setText] = useState(opened.text)
  const [state, setState] = useState(opened.state)
  const [folder, setFolder] = useState(opened.folder)
  const [order, setOrder] = useState(opened.order)
  const first = useRef(true)
  const wish = { text, state, folder, order }
  useEffect(() => {
    if (first.current) {
      first.current = false
      return
    }
    const timer = setTimeout(() => ask("find", wish), 200)
    return () => clearTimeout(timer)
  }, [text, state, folder, order])
  const retry = (name) => ask("retry", { name, ...wish })
  const remove = (name) => ask("remove", { name, ...wish })
  const groups = documents.groups || []
  const named = (name) => (name === ADDED ? t.added_here : name || t.top_folder)
  const row = (one) => <Document key={one.key} row={one} administers={administers} busy={documents.busy} retry={retry} remove={remove} t={t} />
  const grouped = groups.length > 1 && folder === null
  return (
    <div data-testid="documents">
      {props.administrator ? <Adding added={added} wish={wish} t={t} /> : null}
      <Progress progress={progress} t={t} />
      <Vectors vectors={vectors} t={t} />
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
      <div className="td-chips td-filters">
        <button type="button" className="td-chip td-filter" aria-pressed={order === "newest"} data-order="newest" onClick={() => setOrder(order === "newest" ? "" : "newest")}>
          {t.newest_first}
        </button>
        <Linked wish={wish} t={t} />
      </div>
      {folder !== null ? (
        <div className="td-folder" data-folder={folder}>
          <button type="button" className="td-button td-button-line" data-action="all-folders" onClick={() => setFolder(null)}>
            <ChevronLeft size={14} /> {t.all_folders}
          </button>
          <h2 className="td-folder-name">{named(folder)}</h2>
          {administers ? (
            <button type="button" className="td-button td-button-line" data-action="retry-folder" disabled={!!documents.busy} onClick={() => retry("folder")}>
              <RotateCcw size={14} /> {documents.busy === "folder" ? t.retrying : t.whole_folder}
            </button>
          ) : null}
        </div>
      ) : null}
      {grouped ? groups.map((group) => (
        <section key={group.folder} aria-label={named(group.folder)} data-group={group.folder}>
          <button type="button" className="td-folder" onClick={() => setFolder(group.folder)}>
            <Folder size={15} aria-hidden="true" />
            <span className="td-folder-name">{named(group.folder)}</span>
            <span className="td-muted">
              {[filled(t.files_in_it, { count: digits(group.files, 0) }), group.failed ? `${t.failed}: ${digits(group.failed, 0)}` : ""].filter(Boolean).join(" · ")}
            </span>
          </button>
          {documents.rows.filter((one) => one.folder === group.folder).map(row)}
        </section>
      )) : documents.rows.map(row)}
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
  useEffect(() => {
    if (!props.administers) return
    const timer = setInterval(() => { if (!document.hidden) ask("progress") }, PROGRESS_MS)
    ask("progress")
    return () => clearInterval(timer)
  }, [])
  const { documents, opened, encoders, texts: t } = { ...props, ...news }
  const models = news.models || props.models

  return (
    <div className="td-panel" data-testid="library">
      <Tabs value={shown} onValueChange={setShown}>
        <TabsList className="td-tabs td-tabs-two">
          <TabsTrigger value="documents" data-tab="documents">{t.documents}</TabsTrigger>
          <TabsTrigger value="models" data-tab="models">{t.models}</TabsTrigger>
        </TabsList>
        <TabsContent value="documents">{documents ? <Documents key={opened.at} documents={documents} opened={opened} added={news.added} progress={news.progress} vectors={news.vectors} administers={props.administers} t={t} /> : null}</TabsContent>
        <TabsContent value="models">
          <div>
            <Encoders encoders={encoders} t={t} />
            {encoders ? <Vectors vectors={news.vectors} t={t} /> : null}
            {models.map((m) => <Model key={`${m.runtime}/${m.alias}`} model={m} t={t} />)}
          </div>
        </TabsContent>
      </Tabs>
      {props.signed_in ? <a className="td-link" data-way="account" href="/account">{t.account_link}</a> : null}
      {props.signed_in && props.administrator ? <a className="td-link" data-way="administration" href="/administration">{t.administration}</a> : null}
      {props.signed_in ? <SignOut t={t} /> : null}
    </div>
  )
}
