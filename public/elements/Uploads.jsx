// The receipts of the files that were dropped into the conversation, with the button that adds one to the library.
// Draws what tandem/ui/uploads.py hands over. Knows nothing of how a file is read.
import { useState } from "react"
import { AlertTriangle, FileText, LibraryBig, MessageCircleQuestion, ScrollText } from "lucide-react"

export default function Uploads() {
  const [busy, setBusy] = useState("")
  const t = props.texts
  const { digits } = window.tandemFormats(() => t) // public/formats.js
  const count = (n, label) => (n ? `${label}: ${digits(n, 0)}` : "")

  const add = async (name) => {
    setBusy(name)
    try {
      await callAction({ name: "promote", payload: { element_id: props.id, name } })
    } finally {
      setBusy("")
    }
  }

  // Chainlit draws the composer: its text is set as if it had been typed.
  const ask = (name) => {
    const input = document.getElementById("chat-input")
    if (!input) return
    input.focus()
    document.execCommand("selectAll")
    document.execCommand("insertText", false, `document:"${name}" `)
  }

  // What could not be taken in stands apart, under its own heading.
  const groups = [
    ["found", t.files_found, props.files.filter((file) => file.state !== "failed")],
    ["failed", t.files_failed, props.files.filter((file) => file.state === "failed")]
  ].filter(([, , files]) => files.length)

  return (
    <div className="td-answer" data-testid="uploads">
      {groups.map(([group, heading, files]) => (
        <section key={group} className="td-group" data-group={group} aria-label={heading}>
          <div className="td-near">{heading}</div>
          {files.map((file, i) => (
            <div key={i} className="td-card td-receipt" data-file={file.name} data-file-state={file.state}>
              <div className="td-source-head">
                {file.state === "failed" ? <AlertTriangle size={15} className="td-error-icon" /> : <FileText size={15} />}
                <span className="td-source-name">{file.name}</span>
                {file.state === "reading" ? <span className="td-spinner" aria-hidden="true" /> : null}
              </div>
              {file.state === "reading" ? <div className="td-path" role="status">{t.reading_file}</div> : null}
              {file.state === "indexed" ? (
                <div className="td-path">
                  {[count(file.pages, t.pages), count(file.passages, t.passages_count), count(file.characters, t.characters)].filter(Boolean).join(" · ")}
                </div>
              ) : null}
              {file.reason ? <div className={file.state === "failed" ? "td-error" : "td-path"}>{file.reason}</div> : null}
              {file.library ? (
                <div className="td-path" data-testid="in-library"><LibraryBig size={13} /> {t.in_library}</div>
              ) : file.state === "indexed" && props.mayPromote !== false ? (
                <button type="button" className="td-button td-button-line" data-action="promote" disabled={busy === file.name} onClick={() => add(file.name)}>
                  <LibraryBig size={14} /> {busy === file.name ? t.adding : t.add_to_library}
                </button>
              ) : null}
              {file.state === "indexed" && t.summarise ? (
                <>
                  <button type="button" className="td-button td-button-line" data-action="summarise"
                    onClick={() => sendUserMessage(t.summarise_question.replace("{name}", file.name))}>
                    <ScrollText size={14} /> {t.summarise}
                  </button>
                  <button type="button" className="td-button td-button-line" data-action="ask_file" onClick={() => ask(file.name)}>
                    <MessageCircleQuestion size={14} /> {t.ask_file}
                  </button>
                </>
              ) : null}
            </div>
          ))}
        </section>
      ))}
    </div>
  )
}
