/** One server-sent event (WHATWG HTML, section 9.2). */
export interface Message {
  event: string;
  data: string;
  id: string | null;
}

/** Makes events of the text of a stream, in whatever pieces it comes. Lines end with LF or CRLF. */
export class StreamParser {
  /** How long the service wants clients to wait before they connect again. */
  retryMs: number | null = null;
  private rest = "";
  private message: Message = { event: "message", data: "", id: null };

  /** The events that are complete with this piece. */
  push(text: string): Message[] {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    return lines.map((line) => this.takeLine(line.replace(/\r$/, ""))).filter((message) => message !== null);
  }

  private takeLine(line: string): Message | null {
    if (line === "") {
      const { message } = this;
      this.message = { event: "message", data: "", id: null };
      return message.data === "" ? null : { ...message, data: message.data.slice(0, -1) };
    }
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) as unknown as [string, string, string?];
    this.setField(field, value ?? "");
    return null;
  }

  private setField(field: string, value: string): void {
    if (field === "data") this.message.data += `${value}\n`;
    else if (field === "event") this.message.event = value;
    else if (field === "id") this.message.id = value;
    else if (field === "retry") this.retryMs = Number(value) || null;
  }
}
