// What stands under an answer: a status line while it is written, notes, sources, the draft, and buttons.
// Opens the one side panel (Details.jsx) and keeps it on the latest answer. Knows nothing of models.
import { useEffect, useRef, useState } from "react"
import { useRecoilCallback, useRecoilValue } from "recoil"
import { elementState, loadingState, sideViewState } from "@chainlit/react-client"
import { Markdown } from "@/components/markdown"
import { AlertTriangle, Check, ChevronDown, Copy, Download, FileText, Info, Lightbulb, PanelRight, Quote, RotateCcw, Share2, Sparkles } from "lucide-react"

const PANEL = "tandem-panel"
const REMEMBERED = "tandem-panel"
const WIDE = 1024

// The page's words come over the socket, to public/tandem.js, when a conversation begins.
const useWords = () => {
  const [words, setWords] = useState(window.tandemWords)
  useEffect(() => {
    const hear = () => setWords(window.tandemWords)
    window.addEventListener("tandem-words", hear)
    hear()
    return () => window.removeEventListener("tandem-words", hear)
  }, [])
  return words
}
const filled = (template, value) => template.replace(/\{\w+\}/, () => value)

const remembered = () => {
  try { return window.localStorage.getItem(REMEMBERED) } catch { return null }
}
const remember = (value) => {
  try { window.localStorage.setItem(REMEMBERED, value) } catch { /* private windows may refuse */ }
}

// A document to take along, by the ending of its name: its media type and the word for it.
const DOCUMENTS = {
  docx: ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "download"],
  pdf: ["application/pdf", "download_pdf"]
}

// From what the page has already: nothing is asked of anybody.
const save = ({ name, data }, type) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0))
  const address = URL.createObjectURL(new Blob([bytes], { type }))
  const link = document.createElement("a")
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10000)
}

// Notes name commands between backticks.
const Words = ({ text }) => (
  <span>{text.split("`").map((part, i) => (i % 2 ? <code key={i}>{part}</code> : <span key={i}>{part}</span>))}</span>
)

// The shortest end of each path that tells it from the others: of many index.md, the folder is the name.
const TELL_NOTHING = /^(index|readme|default|main|document|untitled)\.[^.]*$/i
const namesOf = (documents) => {
  const all = [...new Set(documents)]
  const end = (path, parts) => path.split("/").slice(-parts).join("/")
  return Object.fromEntries(all.map((path) => {
    const most = path.split("/").length
    let parts = Math.min(TELL_NOTHING.test(end(path, 1)) ? 2 : 1, most)
    while (parts < most && all.some((other) => other !== path && end(other, parts) === end(path, parts))) parts += 1
    return [path, end(path, parts)]
  }))
}

function Beneath({ words }) {
  const root = useRef(null)
  const [draftOpen, setDraftOpen] = useState(false)
  const [copied, setCopied] = useState(false)
  const loading = useRecoilValue(loadingState)
  const t = words.answer
  const running = props.state === "running"
  const briefing = props.kind === "briefing"
  const copy = briefing ? t.copyMarkdown : t.copy
  const by = props.own ? t.own : props.quoted ? t.quoted : filled(t.by, props.model)

  const place = useRecoilCallback(({ set }) => (focus) => {
    const element = {
      id: PANEL, type: "custom", name: "Details", display: "side", forId: "",
      props: { ...props.panel, texts: words.panel, language: words.language, running, focus: focus || null }
    }
    set(elementState, (all) => (
      all.some((e) => e.id === PANEL) ? all.map((e) => (e.id === PANEL ? element : e)) : [...all, element]
    ))
    set(sideViewState, { title: t.details, elements: [element] })
  }, [JSON.stringify(props.panel), words, running])

  const open = (focus) => {
    remember("open")
    place({ ...focus, at: Date.now() })
  }

  // The panel follows the latest answer while it is open; it opens by itself only where there is room for it.
  const follow = useRecoilCallback(({ snapshot }) => () => {
    if (!props.panel.sources && !props.panel.latency && !props.panel.live) return
    const all = snapshot.getLoadable(elementState).contents
    const answers = all.filter((e) => e.name === "TandemAnswer")
    if (answers.length && answers[answers.length - 1].id !== `answer-${props.message_id}`) return
    const side = snapshot.getLoadable(sideViewState).contents
    const isOpen = !!side && side.elements.some((e) => e.id === PANEL)
    if (side && !isOpen) return
    if (!isOpen && all.some((e) => e.id === PANEL)) remember("closed")
    // Where nothing was found, as for a greeting, there is nothing to open it for.
    const found = props.panel.sources && props.panel.sources.length
    if (isOpen || (found && props.auto_panel && window.innerWidth >= WIDE && remembered() !== "closed")) place(null)
  }, [place])

  useEffect(() => { follow() }, [follow])

  useEffect(() => {
    const message = root.current && root.current.closest(".ai-message")
    if (!message) return
    const onClick = (event) => {
      const link = event.target.closest && event.target.closest('a[href^="#"]')
      if (!link) return
      event.preventDefault()
      const source = /^#source-(\d+)$/.exec(link.getAttribute("href"))
      if (source) open({ tab: "sources", source: Number(source[1]), keyboard: event.detail === 0 })
    }
    message.addEventListener("click", onClick)
    return () => message.removeEventListener("click", onClick)
  }, [place])

  // Chainlit measures when a message changes; what stands under it has grown since.
  useEffect(() => {
    if (running) return
    const frame = requestAnimationFrame(() => {
      window.dispatchEvent(new Event("resize"))
      const box = root.current && root.current.closest(".overflow-y-auto")
      if (box) box.dispatchEvent(new Event("scroll"))
    })
    return () => cancelAnimationFrame(frame)
  }, [running])

  useEffect(() => { window.dispatchEvent(new Event("tandem-answering")) }, [])

  // For the card at a citation: public/peeking.js
  useEffect(() => {
    window.tandemSources = { ...window.tandemSources, [props.message_id]: (props.panel && props.panel.sources) || [] }
  }, [props.panel])

  const act = (name) => callAction({ name, payload: { message_id: props.message_id } })
  const onCopy = async () => {
    await window.tandemCopy(props.copy)
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }

  const sources = (props.panel && props.panel.sources) || []
  const cited = sources.filter((s) => s.cited)
  const near = props.nearest || []
  // What is still being written, or was stopped, names sources that nobody has looked at yet.
  const unchecked = running || !!(props.panel && props.panel.unchecked)
  const shown = unchecked ? sources : near.length ? sources.filter((s) => near.includes(s.n)) : cited
  const names = namesOf(shown.map((s) => s.document))
  const status = props.status

  return (
    <div ref={root} className="td-answer" data-testid="tandem-answer" data-message={props.message_id} data-state={props.state} data-unchecked={unchecked || undefined}>
      {status ? (
        <div className="td-status" role="status" data-status={status.key}>
          <span className="td-spinner" aria-hidden="true" />
          <div>
            <div>{status.text}…</div>
            {props.busy ? <div className="td-busy" data-testid="busy">{props.busy}</div> : null}
            {status.reasons && status.reasons.length ? (
              <ul className="td-reasons">{status.reasons.map((r, i) => <li key={i}>{r}</li>)}</ul>
            ) : null}
          </div>
        </div>
      ) : null}

      {props.error ? (
        <div className="td-note td-note-error" role="alert"><AlertTriangle size={15} /><Words text={props.error} /></div>
      ) : null}
      {props.stopped ? <div className="td-note"><Info size={15} /><span>{props.stopped}</span></div> : null}
      {(props.notices || []).filter((n) => n.code !== "quoted").map((n, i) => (
        <div key={i} className="td-note" data-notice={n.code}><Info size={15} /><Words text={n.text} /></div>
      ))}

      {props.suggestion ? <div className="td-note" data-testid="suggestion"><Lightbulb size={15} /><span>{props.suggestion}</span></div> : null}
      {shown.length && near.length && !unchecked ? <div className="td-near">{props.nearest_label}</div> : null}
      {shown.length ? (
        <div className={`td-chips${unchecked ? " td-unchecked" : ""}`} role="group" aria-label={unchecked ? t.unchecked : t.sources}>
          {shown.map((s) => (
            <button key={s.n} type="button" className="td-chip" data-source={s.n}
              title={[s.document, s.page ? `${t.page} ${s.page}` : "", ...s.headings].filter(Boolean).join(" › ")}
              onClick={(event) => open({ tab: "sources", source: s.n, keyboard: event.detail === 0 })}>
              <span className="td-chip-n">{s.n}</span>
              <span className="td-chip-name">{names[s.document]}</span>
              {s.page ? <span className="td-chip-page">{t.page} {s.page}</span> : null}
            </button>
          ))}
        </div>
      ) : null}

      {props.draft ? (
        <div className="td-draft">
          <button type="button" className="td-draft-toggle" aria-expanded={draftOpen} onClick={() => setDraftOpen(!draftOpen)}>
            <FileText size={14} /> {t.draft}
            <ChevronDown size={14} style={{ transform: draftOpen ? "rotate(180deg)" : "none" }} />
          </button>
          {draftOpen ? (
            <div className="td-draft-text"><Markdown allowHtml={false} latex={false}>{props.draft}</Markdown></div>
          ) : null}
        </div>
      ) : null}

      {!running ? (
        <div className="td-bar">
          {props.state === "done" ? (
            <span className="td-by" data-testid="written-by">
              {props.own ? <Info size={13} /> : props.quoted ? <Quote size={13} /> : <Sparkles size={13} />}
              <span title={by}>{by}</span>
            </span>
          ) : null}
          {props.can_escalate ? (
            <button type="button" className="td-button" data-action="ask_large" disabled={loading} onClick={() => act("ask_large")}>
              <Sparkles size={14} /> {filled(t.askLarge, props.refine_model)}
            </button>
          ) : null}
          {briefing ? null : (
            <button type="button" className="td-button" data-action="regenerate" title={t.again} aria-label={t.again} disabled={loading} onClick={() => act("regenerate")}>
              <RotateCcw size={14} /> <span className="td-label">{t.again}</span>
            </button>
          )}
          {props.copy ? (
            <button type="button" className="td-button" data-action="copy" title={copy} aria-label={copy} onClick={onCopy}>
              {copied ? <Check size={14} /> : <Copy size={14} />} <span className="td-label">{copied ? t.copied : copy}</span>
            </button>
          ) : null}
          {words.signed_in && (props.state === "done" || props.copy) ? (
            <a className="td-button" data-action="share" href={`/shared/new?answer=${props.message_id}`} target="_blank" rel="noopener" title={t.share} aria-label={t.share}>
              <Share2 size={14} /> <span className="td-label">{t.share}</span>
            </a>
          ) : null}
          {Object.entries(props.kept || (props.file ? { docx: props.file } : {})).map(([ending, file]) => {
            const [type, word] = DOCUMENTS[ending]
            return (
              <button key={ending} type="button" className="td-button" data-action={word} title={t[word]} aria-label={t[word]} onClick={() => save(file, type)}>
                <Download size={14} /> {ending.toUpperCase()}
              </button>
            )
          })}
          <button type="button" className="td-button" data-action="details" title={t.details} aria-label={t.details} onClick={() => open({})}>
            <PanelRight size={14} /> <span className="td-label">{t.details}</span>
          </button>
        </div>
      ) : null}
    </div>
  )
}

export default function TandemAnswer() {
  const words = useWords()
  return words ? <Beneath words={words} /> : null
}
