// Every word the page says, in its two languages.

const WORDS = {
  en: {
    other: "中文",
    otherCode: "zh",
    invitation: "Ask your documents",
    ask: "Ask",
    key: "API key",
    useKey: "Use this key",
    another: "Ask another question",
    promise: "Every statement in the answer points at the place it comes from.",
    waiting: "Reading the documents",
    answered: "The answer is below.",
    refused: "Not answered",
    because: (reason) => `Why: ${reason}.`,
    refusedHint: "Nothing was made up. The nearest passages are below, to judge for yourself.",
    sources: "Sources",
    page: (n) => `page ${n}`,
    back: (n) => `Back to marker ${n} in the answer`,
    toSource: (n) => `Source ${n}`,
    passages: (n) => (n === 1 ? "1 passage read" : `${n} passages read`),
    legend: "Best first. “Words” and “meaning” are the two searches: rank and score of the passage in each.",
    sparse: "words",
    dense: "meaning",
    score: "score",
    missed: "not found",
    time: { retrieval: "search", generation: "answer", total: "total" },
    by: (name) => `answered by ${name}`,
    generation: (id) => `index ${id}`,
    problems: {
      "not-ready": "Not ready yet",
      "index-missing": "There is no index yet",
      "index-damaged": "The index is damaged",
      "index-busy": "The index is busy",
      "index-replaced": "The index was replaced meanwhile",
      busy: "The service is busy",
      "share-full": "Too many questions at once",
      deadline: "The answer took too long",
      "key-wanted": "An API key is needed",
      "key-unknown": "This API key is not known here",
      setting: "A setting of the service is wrong",
      generator: "The answering model failed",
      question: "The question cannot be answered as it is",
      offline: "The service cannot be reached",
    },
    details: {
      "index-missing": "The operator of this service makes one with: python -m ingest FOLDER. This page notices by itself.",
      "index-busy": "Documents are just being taken in; ask again in a moment.",
      "index-replaced": "Your question is kept above; ask it again.",
      busy: "Many questions are waiting. Yours is kept above; ask again in a few seconds.",
      "share-full": "Wait for the answers to your earlier questions, then ask again.",
      deadline: "Your question is kept above; ask again later.",
      "key-wanted": "The operator of this service gives it out. This page keeps it until the tab is closed.",
      "key-unknown": "Look for a mistyped character, or ask the operator whether it was revoked.",
      offline: "Is it still running? Your question is kept above; ask again in a moment.",
    },
    failed: "That did not work",
  },
  zh: {
    other: "English",
    otherCode: "en",
    invitation: "向你的文档提问",
    ask: "提问",
    key: "API 密钥",
    useKey: "使用此密钥",
    another: "再问一个问题",
    promise: "回答中的每一句话都注明出处。",
    waiting: "正在查阅文档",
    answered: "回答在下方。",
    refused: "未作回答",
    because: (reason) => `原因：${reason}`,
    refusedHint: "没有编造任何内容。最接近的段落列在下方，供你自行判断。",
    sources: "出处",
    page: (n) => `第 ${n} 页`,
    back: (n) => `回到正文中的标记 ${n}`,
    toSource: (n) => `出处 ${n}`,
    passages: (n) => `查阅了 ${n} 个段落`,
    legend: "按相关程度排列。“词语”和“语义”是两路检索，各列出该段落的名次与得分。",
    sparse: "词语",
    dense: "语义",
    score: "得分",
    missed: "未命中",
    time: { retrieval: "检索", generation: "回答", total: "合计" },
    by: (name) => `由 ${name} 作答`,
    generation: (id) => `索引 ${id}`,
    problems: {
      "not-ready": "尚未就绪",
      "index-missing": "还没有索引",
      "index-damaged": "索引已损坏",
      "index-busy": "索引正忙",
      "index-replaced": "索引刚刚被替换",
      busy: "服务繁忙",
      "share-full": "同时提出的问题太多",
      deadline: "回答用时过长",
      "key-wanted": "需要 API 密钥",
      "key-unknown": "此处不认识这个 API 密钥",
      setting: "服务的某项设置有误",
      generator: "回答模型出错",
      question: "这个问题无法处理",
      offline: "无法连接服务",
    },
    details: {
      "index-missing": "请服务的管理者运行：python -m ingest FOLDER。建好之后，本页会自动更新。",
      "index-busy": "正在收录文档，请稍后再问。",
      "index-replaced": "问题已保留在上方，请再问一次。",
      busy: "有许多问题正在等待。你的问题已保留在上方，请过几秒再问。",
      "share-full": "请等前面的问题得到回答后再问。",
      deadline: "问题已保留在上方，请稍后再问。",
      "key-wanted": "密钥由服务的管理者提供。本页保存它到标签页关闭为止。",
      "key-unknown": "请检查是否输错字符，或向管理者确认它是否已被吊销。",
      offline: "服务还在运行吗？问题已保留在上方，请稍后再试。",
    },
    failed: "未能完成",
  },
};

const KEY = "lectern-language";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be switched off
  }
}

export function firstLanguage() {
  const known = remembered();
  if (known in WORDS) return known;
  return /^zh\b/i.test(navigator.language) ? "zh" : "en";
}

export function remember(language) {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // the choice then lasts until the page is left
  }
}

export function words(language) {
  return WORDS[language];
}
