// Who is right about the selection: the page owns it, but its answer to a gesture comes late, when the user may already
// have made the next one. So an echo of a gesture that is not our last is no news; anything else the page says is.
class Exchange {
  constructor() {
    this.received = "[]";
    this.sent = [];
  }

  note(gestures) {
    this.sent.push(JSON.stringify(gestures));
  }

  isNews(gestures) {
    const text = JSON.stringify(gestures);
    if (text === this.received) return false; // a rerun for another reason
    this.received = text;
    const echo = this.sent.indexOf(text);
    this.sent = this.sent.slice(echo + 1);
    if (echo >= 0) return false;
    this.sent = [];
    return true;
  }
}
